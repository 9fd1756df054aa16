"""Modules five deep, some of which do nothing themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Shell(nn.Module):
    """Only hands on."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def example() -> Example:
    core = nn.Sequential(
        nn.Linear(8, 8), nn.Sequential(nn.Identity(), nn.Sequential(nn.ReLU(), Shell(nn.Linear(8, 8))))
    )
    return Example(Shell(Shell(nn.Sequential(core, nn.Identity()))).eval(), torch.randn(2, 8))
