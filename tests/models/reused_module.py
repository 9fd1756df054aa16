"""One module called again and again, and between two others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Reused(nn.Module):
    """The same layer at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.step(x)
        x = self.norm(torch.relu(x))
        return self.step(x) + self.step(self.step(x))


def example() -> Example:
    return Example(Reused().eval(), torch.randn(2, 8))
