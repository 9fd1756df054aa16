from __future__ import annotations

import torch
from torch import Tensor, distributed

from pytest_torchgraph import trace
from pytest_torchgraph.snapshot.writer import write
from tests.regressions.process_group import all_gather_single, process_group


def gathered(x: Tensor) -> Tensor:
    made = torch.empty_like(x)
    all_gather_single(made, x)
    return made + 1


def reduced(x: Tensor) -> Tensor:
    made = x + 1
    distributed.all_reduce(made)
    return made * 2


def test_a_collective_is_work_that_writes_what_it_is_given() -> None:
    with process_group():
        graphs = [trace(function, torch.ones(2)) for function in (gathered, reduced)]
    for graph, name in zip(graphs, ("c10d._allgather_base_.default", "c10d.allreduce_.default"), strict=True):
        (collective,) = (operation for operation in graph.operations if operation.name == name)
        assert not collective.is_view
        assert len(collective.writes) == 1


def test_a_collective_stands_in_the_snapshot() -> None:
    with process_group():
        text = write(trace(reduced, torch.ones(2)).canonical, test="test", recorded="here")
    assert "c10d.allreduce_" in text
