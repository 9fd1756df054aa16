"""An ``Identity`` where a part was ``None`` and skipped."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


def before() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.norm = nn.Linear(WIDTH, WIDTH), None

        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x)
            return x if self.norm is None else self.norm(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.norm = nn.Linear(WIDTH, WIDTH), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
