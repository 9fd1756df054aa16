"""What the page draws of two graphs, as values that JSON has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.diff.tree import Tree
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.report.memory import memory_of
from pytest_torchgraph.report.modules import modules_of
from pytest_torchgraph.report.operations import operations_of
from pytest_torchgraph.report.sides import rows_of

if TYPE_CHECKING:
    from pytest_torchgraph.canonical.program import Program
    from pytest_torchgraph.diff.change import Difference
    from pytest_torchgraph.graph import Graph


def view_of(
    before: Program,
    after: Program,
    difference: Difference,
    *,
    recorded: tuple[Graph | None, Graph | None] = (None, None),
) -> dict[str, Any]:
    """``lines``, ``modules``, ``operations``, ``peak_at``, ``alive`` and ``memory``, the last three of each side.

    *recorded* are the graphs behind *before* and *after* where they were recorded in this process: they know source
    lines, FLOPs and the memory step by step. ``alive`` are ``[bytes, count, what]``: what is alive at the
    peak beside parameters and buffers. The other parts are described by ``sides.rows_of``, ``modules.modules_of``,
    ``operations.operations_of`` and ``memory.memory_of``.
    """
    with collector_paused():
        trees = Tree(before), Tree(after)
        return {
            "lines": rows_of(before, after, recorded[1]),
            "modules": modules_of(*trees, difference),
            "operations": operations_of(*trees, difference, recorded[1]),
            "peak_at": [str(side.peak_at or "") for side in (before, after)],
            "alive": [[[one.bytes, one.count, str(one.what)] for one in side.alive] for side in (before, after)],
            "memory": [memory_of(graph) for graph in recorded],
        }
