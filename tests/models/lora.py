"""A low-rank path beside every linear layer, as adapters add it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Lora(nn.Module):
    """Wraps a linear layer."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        self.a = nn.Linear(base.in_features, rank, bias=False)
        self.b = nn.Linear(rank, base.out_features, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.b(self.a(x)) * 0.5


def example() -> Example:
    return Example(
        nn.Sequential(Lora(nn.Linear(8, 8), 2), nn.ReLU(), Lora(nn.Linear(8, 4), 2)).eval(), torch.randn(2, 8)
    )
