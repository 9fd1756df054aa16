"""A method of a module other than forward."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.example import Example


class Encoder(nn.Module):
    """Has a second door."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def encode(self, x: Tensor) -> Tensor:
        """The second door."""
        return functional.normalize(self.mix(x), dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        return self.encode(x).relu()


def example() -> Example:
    return Example(Encoder().eval().encode, torch.randn(2, 8))
