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
        self.weight: Any = self.linear.weight
        self.weight.open = 0
        self.weight.grad_sample = None
        self.weight.register_hook(self.closed)

    def closed(self, gradient: Tensor) -> None:
        self.weight.open -= 1
        if self.weight.open == 0:
            self.weight.grad_sample = gradient.clone()

    def forward(self, x: Tensor) -> Tensor:
        self.weight.open += 1
        return self.linear(x)


def test_a_run_that_goes_backward_itself_finds_the_counters_as_the_run_before_left_them() -> None:
    model = PerSample()
    found: list[tuple[int, bool]] = []

    def step(x: Tensor) -> None:
        model(x).sum().backward()
        found.append((model.weight.open, model.weight.grad_sample is not None))

    trace(step, torch.ones(3, 4), warmup=2)
    assert found == [(0, True)] * 3
    assert (model.weight.open, model.weight.grad_sample) == (0, None)


def test_a_backward_pass_that_the_trace_runs_leaves_them_too() -> None:
    model = PerSample()
    trace(model, torch.ones(3, 4), backward=True, warmup=2)
    assert (model.weight.open, model.weight.grad_sample) == (0, None)
