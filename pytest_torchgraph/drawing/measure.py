"""What operations cost, and how it is written: seconds, bytes, floating-point operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from pytest_torchgraph.canonical.reading import BITS
from pytest_torchgraph.drawing.errors import CannotDraw, require_known
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Operation, tensors_in
from pytest_torchgraph.recorded.tensor import Storage
from pytest_torchgraph.verdict.quantity import bytes_text

MEASURES = ("time", "memory", "flops")
COLOUR_BY = ("kind", *MEASURES, "change")
SIZE_BY = (*MEASURES, "operations")
MEANING = {"time": "time", "memory": "bytes made", "flops": "FLOPs", "operations": "operations"}


def measured(graph: Graph, by: str) -> list[float | None]:
    """What every operation of *graph* costs, ``None`` where it is not known.

    *by* ``time`` takes the seconds of ``graph.timing``, ``memory`` counts the bytes of the storages
    that an operation made, ``flops`` is what the recording counted, ``operations`` is 1 for what does work.
    Raises :class:`CannotDraw` where nothing at all is known.
    """
    require_known("measure", by, SIZE_BY)
    if by == "time":
        if graph.timing is None:
            raise CannotDraw(
                "no times were recorded with this graph: trace the model with timing=True, or ask for memory"
            )
        return list(graph.timing.seconds)
    if by == "memory":
        return [float(bytes_made(graph, operation)) for operation in graph.operations]
    if by == "operations":
        return [float(not operation.is_view) for operation in graph.operations]
    if graph.operations and all(operation.flops is None for operation in graph.operations):
        raise CannotDraw("this graph holds no FLOPs (no snapshot file does): give the model, as module:factory")
    return [None if operation.flops is None else float(operation.flops) for operation in graph.operations]


def bytes_made(graph: Graph, operation: Operation) -> int:
    """Bytes of the storages that *operation* made."""
    made = {ref.storage for ref in tensors_in(operation.results)}
    storages = (graph.storages[number] for number in made)
    return sum(bytes_of(storage) for storage in storages if storage.producer == operation.index)


def bytes_of(storage: Storage) -> int:
    """Bytes of *storage*; by the tensor through which it was first seen, where a file does not tell."""
    if storage.bytes is not None:
        return storage.bytes
    return math.prod(max(size, 0) for size in storage.spec.shape) * BITS.get(storage.spec.dtype, 8) // 8


def total(values: Sequence[float | None], operations: Iterable[int]) -> tuple[float, bool]:
    """The sum over *operations*, and whether every part of it is known."""
    parts = [values[index] for index in operations]
    known = [part for part in parts if part is not None]
    return sum(known), len(known) == len(parts)


def written(by: str, value: float, *, exact: bool = True) -> str:
    """*value* with its unit, ``≥`` before it where a part is unknown."""
    return ("" if exact else "≥ ") + UNITS[by](value)


def scaled(value: float, unit: str, names: Sequence[str] = ("", "k", "M", "G", "T", "P")) -> str:
    """``1.3 M`` and the unit: decimal steps."""
    for name in names[:-1]:
        if abs(value) < 1000:
            return f"{value:.3g} {name}{unit}".strip()
        value /= 1000
    return f"{value:.3g} {names[-1]}{unit}"


UNITS: dict[str, Callable[[float], str]] = {
    "time": lambda seconds: scaled(seconds * 1e9, "s", ("n", "µ", "m", "")),
    "memory": lambda count: bytes_text(round(count)),
    "flops": lambda count: scaled(count, "FLOP"),
    "operations": lambda count: f"{round(count):,}",
}
