"""A recording inside of a profiler or of a counting mode, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from pytest_torchgraph import trace

Around = Callable[[], AbstractContextManager[object]]
X = torch.ones(2, 4)
TOOLS: dict[str, Around] = {
    "profiler": lambda: profile(activities=[ProfilerActivity.CPU], record_shapes=True),
    "profiler of autograd": torch.autograd.profiler.profile,
    "label": lambda: torch.profiler.record_function("here"),
    "counting mode": lambda: FlopCounterMode(display=False),
}


class Watched(nn.Module):
    """A layer that runs inside of a tool."""

    def __init__(self, tool: Around = nullcontext) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.tool = nn.Linear(4, 4), tool

    def forward(self, x: Tensor) -> Tensor:
        with self.tool():
            return self.layer(x).relu()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_around_or_inside_changes_nothing_in_the_record(tool: str) -> None:
    plain = trace(Watched(), X, backward=True)
    inside = trace(Watched(TOOLS[tool]), X, backward=True)
    with TOOLS[tool]():
        around = trace(Watched(), X, backward=True)
    assert inside.canonical == around.canonical == plain.canonical


def test_a_tool_around_counts_what_the_model_does() -> None:
    with profile(activities=[ProfilerActivity.CPU]) as profiled, FlopCounterMode(display=False) as counted:
        graph = trace(Watched(), X)
    assert "aten::addmm" in {event.key for event in profiled.key_averages()}
    assert counted.get_total_flops() == graph.flops
