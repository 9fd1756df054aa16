"""How long operations and module calls took; never compared, and never part of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median, median_low
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pytest_torchgraph.graph.graph import Graph

Source: TypeAlias = Literal["host clock", "cuda events"]


@dataclass(frozen=True, slots=True)
class Span:
    """When something ran, in seconds after the run began, and for how long."""

    start: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times of a run, or of several equal runs; the recorder's own time is taken out of all of them.

    ``seconds`` are those of each operation, by position: the median over ``runs``. ``spread`` are the median distances
    from it, ``None`` after a single run. ``total`` is the whole run on the host, Python included: ``measured`` on the
    same run without the recorder, or else worked out.
    ``operations`` and ``scopes`` are the spans of one run, that of median length: of each operation, and of each module
    call, its backward pass apart.

    ``overhead`` are the seconds that a recorded run took longer, ``per_operation`` the part of it, for each
    operation, that no clock in the recorder can see. ``source`` is where the seconds of operations come from: of a
    device that works for itself, the host's clock sees only how long it takes to ask.
    """

    runs: int
    seconds: tuple[float, ...]
    spread: tuple[float, ...] | None
    total: float
    total_spread: float | None
    operations: tuple[Span, ...]
    scopes: tuple[Span, ...]
    overhead: float
    per_operation: float
    measured: bool = False
    source: Source = "host clock"

    def of(self, operations: Iterable[int]) -> float:
        """Seconds of some operations together."""
        return sum(self.seconds[index] for index in operations)


def several(graphs: Sequence[Graph]) -> Graph:
    """The last of *graphs*, recordings of one model, with the times of all that ran the same operations.

    A note says how many did not.
    """
    last = graphs[-1]
    alike = [graph for graph in graphs if names_of(graph) == names_of(last)]
    timings = [graph.timing for graph in alike if graph.timing is not None]
    if len(timings) < 2:
        return last.noting(*left_out(len(graphs), len(alike)))
    return replace(last, timing=together(timings)).noting(*left_out(len(graphs), len(alike)))


def together(timings: Sequence[Timing]) -> Timing:
    """Median and spread of the times of equal runs."""
    middle = median_low([timing.total for timing in timings])
    usual = next(timing for timing in timings if timing.total == middle)
    by_operation = list(zip(*(timing.seconds for timing in timings), strict=True))
    return replace(
        usual,
        runs=len(timings),
        seconds=tuple(map(median, by_operation)),
        spread=tuple(map(spread_of, by_operation)),
        total=median(timing.total for timing in timings),
        total_spread=spread_of([timing.total for timing in timings]),
        overhead=median(timing.overhead for timing in timings),
    )


def spread_of(values: Sequence[float]) -> float:
    """The median distance from the median."""
    middle = median(values)
    return median(abs(value - middle) for value in values)


def names_of(graph: Graph) -> tuple[str, ...]:
    """The operations of *graph* by name."""
    return tuple(operation.name for operation in graph.operations)


def left_out(runs: int, alike: int) -> tuple[str, ...]:
    """The note about runs that did something else."""
    return () if runs == alike else (f"times are of {alike} of {runs} runs: the others ran other operations",)
