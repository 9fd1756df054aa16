"""A function vectorised inside the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Mapped(nn.Module):
    """A bilinear form, written for one row."""

    def __init__(self) -> None:
        super().__init__()
        self.form = nn.Parameter(torch.randn(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.vmap(lambda row: torch.dot(row @ self.form, row).exp())(x)


def example() -> Example:
    return Example(Mapped().eval(), torch.randn(4, 8))
