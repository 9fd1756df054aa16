"""A line became a module without parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="scale")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


class Scale(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 0.5  # here


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return (self.linear(x) * 0.5).relu()

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def __init__(self) -> None:
            super().__init__()
            self.scale = Scale()

        def forward(self, x: Tensor) -> Tensor:
            return self.scale(self.linear(x)).relu()

    return Run(model=Model(), args=torch.randn(2, WIDTH))
