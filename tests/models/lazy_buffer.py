"""A cache that the first call registers as a buffer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Cached(nn.Module):
    """Adds a table of places, made for the first length that comes."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)
        self.register_buffer("table", None, persistent=False)

    def places(self, length: int) -> Tensor:
        """The table, made where there is none."""
        if self.table is None:
            self.register_buffer("table", torch.arange(length).float().sin()[:, None], persistent=False)
        return self.get_buffer("table")

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x + self.places(x.shape[1]))


def example() -> Example:
    return Example(Cached().eval(), torch.randn(2, 5, 8))
