"""What the page draws of a graph's memory: the curve by category, the peak, and what is alive there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.analysis.memory import curves_of
from pytest_torchgraph.diff.showing import operation_word

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.memory import Life

Memory: TypeAlias = "dict[str, object]"
POINTS = 400
"""Points of a curve; each is the highest of the steps that it stands for, so that no peak is lost."""
RESIDENT = frozenset({"parameters", "buffers"})
TOLD = 12
"""Storages told of what is alive at the peak beside parameters and buffers, which no run moves."""


def memory_of(graph: Graph | None) -> Memory | None:
    """The memory of a recorded graph; ``None`` for one that was read from a file, which knows totals only.

    ``at`` are positions of operations, ``series`` the live bytes of each category right after them. ``peak`` is a
    position in ``at``, ``categories`` the bytes there, ``alive`` the largest storages there as ``[bytes, category,
    what]``, ``phases`` stretches of operations as ``[name, start, stop]``, ``steps`` how many operations there are.
    """
    if graph is None or graph.memory.lives is None or not graph.operations:
        return None
    curves = curves_of(graph)
    total = [sum(step) for step in zip(*curves.values(), strict=True)]
    at = list(_highest(total))
    known = {name: [curve[step] for step in at] for name, curve in curves.items() if any(curve)}
    peak = max(range(len(at)), key=lambda point: total[at[point]])
    return {
        "steps": len(total),
        "at": at,
        "series": known,
        "peak": peak,
        "categories": {name: points[peak] for name, points in known.items() if points[peak]},
        "alive": alive_after(graph, at[peak] - 1),
        "phases": [[phase.name, *phase.operations] for phase in graph.phases],
    }


def _highest(total: list[int]) -> Iterator[int]:
    """Positions that stand for all: of each stretch the highest, the first on a tie."""
    width = -(-len(total) // POINTS)
    for start in range(0, len(total), width):
        yield max(range(start, min(start + width, len(total))), key=lambda step: (total[step], -step))


def alive_after(graph: Graph, at: int) -> list[list[object]]:
    """The largest storages that are alive right after operation *at*, as ``[bytes, category, what]``."""
    alive = graph.memory.alive(at) if graph.memory.lives is not None else []
    lives = sorted((life for life in alive if life.category not in RESIDENT), key=lambda life: -life.bytes)
    return [[life.bytes, life.category, _what(graph, life)] for life in lives[:TOLD]]


def _what(graph: Graph, life: Life) -> str:
    """``weight`` or ``f32[2,16] of layers.0.mlp: gelu``: by its name, or by what made it."""
    storage = graph.storages[life.storage]
    if storage.name:
        return f"{storage.name} {storage.spec.text}"
    if storage.producer is None:
        return f"{storage.spec.text} {storage.kind}"
    operation = graph.operations[storage.producer]
    path = graph.scopes[operation.scope].path
    made = f"{path}: {operation_word(operation.name)}" if path else operation_word(operation.name)
    return f"{storage.spec.text} of {made}"
