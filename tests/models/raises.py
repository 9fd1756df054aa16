"""An error two modules deep, after some work."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Failing(nn.Module):
    """Multiplies matrices that do not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Linear(8, 8)
        self.wrong = nn.Linear(7, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.wrong(self.fine(x))


def example() -> Example:
    return Example(nn.Sequential(nn.ReLU(), Failing()).eval(), torch.randn(2, 8))
