"""Calls in a row become a ``Sequential`` of the same modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="up")


def before() -> Run:
    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.Linear(WIDTH, 2 * WIDTH)
            self.activation = nn.GELU()
            self.down = nn.Linear(2 * WIDTH, WIDTH)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.down(self.activation(self.up(x)))

    return Run(model=Mlp(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.layers(x)

    return Run(model=Mlp(), args=torch.randn(2, WIDTH))
