"""A branch chosen by the data."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Branching(nn.Module):
    """Takes one of two paths."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(8, 8)
        self.down = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(x) if x.sum() > 0 else self.down(x).relu()


def example() -> Example:
    return Example(Branching().eval(), torch.ones(2, 8))
