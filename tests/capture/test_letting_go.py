"""What a graph is made from is let go of as soon as nobody needs it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.capture.draining import drained
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write


@pytest.fixture(scope="module")
def step() -> Graph:
    """One step of a small model, not worked out yet."""
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    options = Options(backward=True, optimizer=AdamW(module.parameters(), foreach=False))
    with repeated(module, torch.ones(2, 4), None, options) as run:
        return run()


def left_to_the_collector(work: Callable[[], Any]) -> list[str]:
    """The classes of this package of which *work* leaves cycles behind."""
    gc.collect()
    with collector_paused():
        work()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
            return sorted({type(one).__name__ for one in gc.garbage if type(one).__module__.startswith("pytest_torch")})
        finally:
            gc.set_debug(0)
            gc.garbage.clear()


def test_no_graph_leaves_cycles_for_the_collector(step: Graph) -> None:
    text = write(step.canonical, test="test", recorded="")
    assert left_to_the_collector(lambda: canonical(step)) == []
    assert left_to_the_collector(lambda: read(text)) == []
    assert left_to_the_collector(lambda: write(step.canonical, test="test", recorded="")) == []


def test_a_log_is_gone_when_its_records_are_made() -> None:
    with repeated(nn.Linear(4, 4), torch.ones(2, 4), None, Options()) as traced:
        graph = traced()
    run: Run = vars(graph)["run"]
    kept = freeze(run)
    assert run.log
    assert graph.operations == kept.operations
    assert not run.log


def test_what_is_drained_comes_in_order_and_is_not_there_any_more() -> None:
    values = [1, 2, 3]
    assert [(each, list(values)) for each in drained(values)] == [(1, [3, 2]), (2, [3]), (3, [])]
