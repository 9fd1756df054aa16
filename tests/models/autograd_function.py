"""A function with a backward pass of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Straight(torch.autograd.Function):
    """Rounds forwards, passes gradients straight through."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(_ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0]


class Rounding(nn.Module):
    """A linear layer with rounded results."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return Straight.apply(self.mix(x))


def example() -> Example:
    return Example(Rounding().train(), torch.randn(2, 8))
