"""What a library counts on parameters in both passes is not put back by half between two runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.tracing import trace


class PerSample(nn.Module):
    """Keeps gradients of samples when no forward pass waits for its backward pass any more, as Opacus does."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)
        weight = counted(self)
        weight.open, weight.grad_sample = 0, None
        weight.register_hook(self.closed)

    def closed(self, gradient: Tensor) -> None:
        weight = counted(self)
        weight.open -= 1
        if weight.open == 0:
            weight.grad_sample = gradient.clone()

    def forward(self, x: Tensor) -> Tensor:
        counted(self).open += 1
        return self.linear(x)


def counted(model: PerSample) -> Any:
    """The weight that it counts on."""
    return model.linear.weight


def test_a_run_that_goes_backward_itself_finds_the_counters_as_the_run_before_left_them() -> None:
    model = PerSample()
    found: list[tuple[int, bool]] = []

    def step(x: Tensor) -> None:
        model(x).sum().backward()
        found.append((counted(model).open, counted(model).grad_sample is not None))

    trace(step, torch.ones(3, 4), warmup=2)
    assert found == [(0, True)] * 3
    assert (counted(model).open, counted(model).grad_sample) == (0, None)


def test_a_backward_pass_that_the_trace_runs_leaves_them_too() -> None:
    model = PerSample()
    trace(model, torch.ones(3, 4), backward=True, warmup=2)
    assert (counted(model).open, counted(model).grad_sample) == (0, None)
