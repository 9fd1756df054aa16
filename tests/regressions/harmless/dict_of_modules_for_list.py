"""A ``ModuleDict`` with names for a ``ModuleList`` with numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="heads.0")


def before() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.ModuleList([nn.Linear(WIDTH, 2), nn.Linear(WIDTH, 3)])

        def forward(self, x: Tensor) -> list[Tensor]:
            return [head(x) for head in self.heads]

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.ModuleDict({"boxes": nn.Linear(WIDTH, 2), "classes": nn.Linear(WIDTH, 3)})

        def forward(self, x: Tensor) -> list[Tensor]:
            return [head(x) for head in self.heads.values()]

    return Run(model=Model(), args=torch.randn(2, WIDTH))
