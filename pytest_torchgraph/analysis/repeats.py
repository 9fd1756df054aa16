"""Times of several equal runs as those of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median, median_low
from typing import TypeVar

from pytest_torchgraph.recorded.record import Record
from pytest_torchgraph.recorded.timing import Timing

Recorded = TypeVar("Recorded", bound=Record)


def several(graphs: Sequence[Recorded]) -> Recorded:
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


def names_of(graph: Record) -> tuple[str, ...]:
    """The operations of *graph* by name."""
    return tuple(operation.name for operation in graph.operations)


def left_out(runs: int, alike: int) -> tuple[str, ...]:
    """The note about runs that did something else."""
    return () if runs == alike else (f"times are of {alike} of {runs} runs: the others ran other operations",)
