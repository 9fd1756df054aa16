"""Bytes of live storages, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.memory import KiB, MiB
from tests.capture.small import Calls, example

X = torch.zeros(256)  # a kibibyte


def timeline(graph: Graph) -> list[int]:
    """Live KiB beyond what was there at the start, after each operation."""
    return [(live - graph.memory.resident) // 1024 for live in graph.memory.timeline]


@pytest.fixture(autouse=True)
def _no_grad() -> Any:
    with torch.no_grad():
        yield


def test_the_peak_is_where_most_is_alive() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        a = x + 1  # +1
        b = torch.cat([a, a])  # +2
        del a  # -1
        c = b.sum()  # a few bytes
        del b
        return x * c

    graph = trace(Calls(forward), X)
    assert timeline(graph) == [1, 3, 2, 1]
    assert graph.memory.resident == 1024
    assert graph.memory.peak == 4 * 1024
    assert graph.memory.peak_operation == 1
    assert graph.operations[1].packet == "aten.cat"


def test_on_a_tie_the_first_peak_is_told() -> None:
    graph = trace(lambda x: x.sin().cos().tan(), X)
    assert timeline(graph) == [1, 2, 2]
    assert graph.memory.peak_operation == 1


def test_a_run_that_makes_nothing_peaks_at_its_start() -> None:
    graph = trace(lambda x: x.view(16, 16), X)
    assert graph.memory.peak == graph.memory.resident == 1024
    assert graph.memory.peak_operation is None
    assert [graph.storages[place].name for place in graph.memory.alive_at_peak] == ["x"]


def test_what_is_alive_at_the_peak_is_named() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        a = x + 1
        del a
        return (x * 2).repeat(3)

    graph = trace(Calls(forward), X)
    alive = [graph.storages[place] for place in graph.memory.alive_at_peak]
    assert [(storage.kind, storage.bytes) for storage in alive] == [("input", 1024), ("result", 1024), ("result", 3072)]
    assert sum(storage.bytes or 0 for storage in alive) == graph.memory.peak


def test_views_and_in_place_work_take_no_memory() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        return (x + 1).view(16, 16).T[2:].add_(1).relu_()

    assert timeline(trace(Calls(forward), X)) == [1] * 6


def test_a_view_keeps_its_whole_storage_alive() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        part = x.repeat(4)[:1]
        return part + 1

    graph = trace(Calls(forward), X)
    assert timeline(graph)[-1] == 4


def test_parameters_and_buffers_are_counted_once() -> None:
    model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8, affine=False))
    model[1].weight = model[0].weight
    graph = trace(model.eval(), example(4, 8))
    assert graph.memory.parameter_bytes == 8 * 8 * 4
    assert graph.memory.buffer_bytes == 2 * 8 * 4 + 8
    assert graph.memory.input_bytes == 4 * 8 * 4
    assert graph.memory.resident == 256 + 72 + 128


def test_parameters_that_share_a_storage_count_it_once() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            whole = torch.zeros(128)
            self.left = nn.Parameter(whole[:64].view(8, 8))
            self.right = nn.Parameter(whole[64:].view(8, 8))

        def forward(self, x: Tensor) -> Tensor:
            return x @ self.left + x @ self.right

    assert trace(Halves(), example(4, 8)).memory.parameter_bytes == 512


def test_inputs_count_their_whole_storage_once() -> None:
    whole = torch.zeros(1024)
    assert trace(lambda a, b: a + b, (whole[:10], whole[10:20])).memory.input_bytes == 4096
    assert trace(lambda a: a + 1, torch.zeros(1).expand(1000)).memory.input_bytes == 4
    assert trace(lambda a: a + 1, torch.zeros(16, 16).T).memory.input_bytes == 1024


def test_parameters_that_are_not_used_count_too() -> None:
    model = Calls(lambda module, x: x + 1, unused=nn.Linear(8, 8))
    assert trace(model, X).memory.parameter_bytes == (64 + 8) * 4


def test_results_kept_for_the_backward_pass_stay_alive() -> None:
    def forward(x: Tensor) -> Tensor:
        return x.sin().exp().sum()

    without = trace(forward, X)
    with torch.enable_grad():
        kept = trace(forward, X.clone().requires_grad_())
    assert timeline(without) == [1, 2, 1]
    assert timeline(kept)[2] == 2


def test_units() -> None:
    assert KiB(1.5) == 1536
    assert MiB(64) == 64 * 1024 * 1024
