"""Each parameter has an optimizer of its own, which steps as soon as its gradient is there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


def example() -> Example:
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4)).train()
    optimizers: dict[Tensor, torch.optim.SGD] = {
        one: torch.optim.SGD([one], lr=0.1, momentum=0.9) for one in model.parameters()
    }

    def step(parameter: Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    return Example(model, torch.randn(2, 8))
