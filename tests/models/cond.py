"""A branch inside the graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Conditional(nn.Module):
    """``torch.cond`` between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda y: self.mix(y).relu(), lambda y: y.sin(), (x,))


def example() -> Example:
    return Example(Conditional().eval(), torch.ones(2, 8))
