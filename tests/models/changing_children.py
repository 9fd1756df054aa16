"""A module replaced by another of the same name during the call."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Swapping(nn.Module):
    """Takes its second layer from a list."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8, bias=False)])
        self.current: nn.Module = self.choices[0]

    def forward(self, x: Tensor) -> Tensor:
        for choice in self.choices:
            self.current = choice
            x = self.current(x)
        return x


def example() -> Example:
    return Example(Swapping().eval(), torch.randn(2, 8))
