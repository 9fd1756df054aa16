"""The critical path: the chain of operations that nothing could shorten by running side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_torchgraph.analysis.flow import flows
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The longest chain of operations that read from each other, by position.

    ``by`` is what makes it long: ``time`` where the graph was timed, else the number of ``operations`` that do work.
    ``length`` is its sum, ``whole`` that of all operations; ``whole / length`` is how much could run side by side.
    """

    by: Literal["time", "operations"]
    operations: tuple[int, ...]
    length: float
    whole: float

    @property
    def parallelism(self) -> float:
        """How many operations could run at once on average, 1 where they all wait for each other."""
        return self.whole / self.length if self.length else 1.0


def critical_path(graph: Record) -> CriticalPath:
    """The critical path of *graph*."""
    timing = graph.timing
    weights = (
        [float(not operation.is_view) for operation in graph.operations] if timing is None else list(timing.seconds)
    )
    before: list[int | None] = [None] * len(weights)
    lengths = list(weights)
    # Flows come in the order of their targets, and all of them lead forward: one pass is enough.
    for flow in flows(graph):
        if lengths[flow.source] + weights[flow.target] > lengths[flow.target]:
            lengths[flow.target] = lengths[flow.source] + weights[flow.target]
            before[flow.target] = flow.source
    return CriticalPath(
        by="operations" if timing is None else "time",
        operations=chain(lengths, before),
        length=max(lengths, default=0.0),
        whole=sum(weights),
    )


def chain(lengths: list[float], before: list[int | None]) -> tuple[int, ...]:
    """The longest chain, from its first operation to its last."""
    at = max(range(len(lengths)), key=lengths.__getitem__, default=None)
    found: list[int] = []
    while at is not None:
        found.append(at)
        at = before[at]
    return tuple(reversed(found))
