"""Six equal layers, of which one differs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Layer(nn.Module):
    """A residual layer."""

    def __init__(self, *, copies: bool = False) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.copies = copies

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.mix(self.norm(x)))
        return x + (y.clone() if self.copies else y)


def example() -> Example:
    return Example(nn.Sequential(*[Layer(copies=number == 3) for number in range(6)]).eval(), torch.randn(2, 8))
