"""Two graphs that were timed are compared with what each change costs in time; one that was not, without."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import compare, trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.timing import Timing
from pytest_torchgraph.report.terminal import render


class Net(nn.Module):
    """A layer, and work behind it that may be there."""

    def __init__(self, *, more: bool) -> None:
        super().__init__()
        self.layer, self.more = nn.Linear(8, 8), more

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        return x.sin() if self.more else x


def timed(*, more: bool, seconds: dict[str, float] | None, source: str = "host clock") -> Graph:
    """A run whose operations took as many *seconds* by name."""
    graph = trace(Net(more=more), torch.ones(2, 8))
    if seconds is None:
        return graph
    each = tuple(seconds[operation.name.split(".")[1]] for operation in graph.operations)
    timing = Timing(
        runs=3,
        seconds=each,
        spread=None,
        total=sum(each),
        total_spread=None,
        operations=(),
        scopes=(),
        overhead=0.0,
        per_operation=0.0,
        source="cuda events" if source == "cuda events" else "host clock",
    )
    return replace(graph, timing=timing)


BEFORE = {"t": 0.0, "addmm": 100e-6}
AFTER = {"t": 0.0, "addmm": 110e-6, "sin": 30e-6}


def test_the_time_of_a_change_stands_beside_the_time_of_all() -> None:
    there = compare(timed(more=False, seconds=BEFORE), timed(more=True, seconds=AFTER))
    assert "  operations took 100 µs -> 140 µs (+40.0%), 30 µs more in this change; peak" in str(there)
    back = compare(timed(more=True, seconds=AFTER), timed(more=False, seconds=BEFORE))
    assert "  operations took 140 µs -> 100 µs (-28.6%), 30 µs less in this change; peak" in str(back)
    assert "took 0 ns -> 30 µs" in render(there.outline("t"), 2)


@pytest.mark.parametrize("clock", ["cuda events", None])
def test_times_of_another_clock_and_none_at_all_are_not_compared(clock: str | None) -> None:
    after = timed(more=True, seconds=AFTER if clock else None, source=clock or "")
    assert not re.search(r"\btook\b", str(compare(timed(more=False, seconds=BEFORE), after)))


def test_times_alone_are_no_drift() -> None:
    slower = {name: 9 * each for name, each in AFTER.items()}
    assert not compare(timed(more=True, seconds=AFTER), timed(more=True, seconds=slower)).drifted
