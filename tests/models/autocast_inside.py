"""Lower precision for a part of the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Mixed(nn.Module):
    """Half of it in bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8))
        self.full = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = self.low(x)
            y = self.low(y)
        return self.full(y.float())


def example() -> Example:
    return Example(Mixed().eval(), torch.randn(2, 8))
