"""The counted memory beside what PyTorch's allocator held."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.recorded.memory import AllocatorPeak
from tests.capture.small import example

SCRATCH = 1 << 20


@torch.library.custom_op("torchgraph_tests_allocator::scratched", mutates_args=())
def scratched(x: Tensor) -> Tensor:
    """An operation that takes a mebibyte for itself while it runs."""
    room = torch.empty(SCRATCH, dtype=torch.uint8)
    result = x + 1
    del room
    return result


def checked(model: Any, x: Tensor, **options: Any) -> AllocatorPeak:
    graph = trace(model, x, allocator=True, **options)
    assert graph.memory.allocator is not None
    assert graph.notes[-1] == str(graph.memory.allocator)
    return graph.memory.allocator


def pointwise() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 4))


@pytest.mark.parametrize("backward", [None, True])
def test_without_work_space_both_figures_are_near(backward: bool | None) -> None:
    found = checked(pointwise(), example(64, 16), backward=backward)
    assert found.counted > 0
    assert abs(found.workspace) < 0.05 * found.counted


def test_what_a_kernel_takes_for_itself_is_its_work_space() -> None:
    found = checked(lambda x: scratched(x) * 2, example(8))
    # While the kernel runs, its own result is there beside the scratch.
    assert 0 <= found.allocated - (SCRATCH + 32) < 64
    assert found.counted == 64
    assert str(found).endswith("(100%) are work space of kernels")


def test_what_was_there_before_the_run_counts_on_neither_side() -> None:
    small, large = (checked(nn.Sequential(nn.Linear(width, 4)), example(2, width)) for width in (4, 400))
    assert small.counted == large.counted == 32


def test_the_second_run_leaves_nothing_behind() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout())
    optimizer = torch.optim.SGD(model.parameters(), momentum=0.9)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    checked(model, example(8, 4), backward=True, optimizer=optimizer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not optimizer.state


def test_it_is_asked_for() -> None:
    graph = trace(pointwise(), example(2, 16))
    assert graph.memory.allocator is None
    assert graph.notes == ()


def test_a_run_that_is_not_put_back_cannot_be_run_twice() -> None:
    with pytest.raises(ValueError, match="it needs restore=True"):
        trace(pointwise(), example(2, 16), allocator=True, restore=False)
