"""Layers are called in a loop instead of one by one, from a ``ModuleList`` that holds the same names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.layers[0](x)
            x = self.layers[1](x)
            return self.layers[2](x)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    return Run(model=Model(), args=torch.randn(2, WIDTH))
