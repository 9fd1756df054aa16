"""A layer and a parameter that the first call makes, each behind a plain attribute that tells that it did."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Built(nn.Module):
    """Knows the width of what it is given from its first call on."""

    def __init__(self) -> None:
        super().__init__()
        self.mix: nn.Linear | None = None
        self.built = False

    def build(self, width: int) -> None:
        """Make everything that depends on *width*."""
        self.mix = nn.Linear(width, 4)
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, width))
        self.built = True

    def forward(self, x: Tensor) -> Tensor:
        if not self.built:
            self.build(x.shape[-1])
        assert self.mix is not None
        return torch.relu(self.mix(x * self.scale))


def example() -> Example:
    return Example(Built().train(), torch.randn(2, 8))
