"""An activation is called as a function instead of being a module."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="the model")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 2 * WIDTH)
        self.activation = nn.ReLU()
        self.down = nn.Linear(2 * WIDTH, WIDTH)


def before() -> Run:
    class Mlp(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.down(self.activation(self.up(x)))

    return Run(model=Mlp(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Mlp(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.down(functional.relu(self.up(x)))  # here

    return Run(model=Mlp(), args=torch.randn(2, WIDTH))
