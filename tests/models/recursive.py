"""A module that calls itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Tree(nn.Module):
    """Halves its input until nothing is left to halve."""

    def __init__(self) -> None:
        super().__init__()
        self.leaf = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] == 1:
            return self.leaf(x)
        left, right = x.chunk(2, 1)
        return torch.cat([self(left), self(right)], 1).tanh()


def example() -> Example:
    return Example(Tree().eval(), torch.randn(2, 4, 2))
