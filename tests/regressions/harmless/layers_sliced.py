"""Some of the layers are taken by a slice instead of by a count in the loop."""

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
            for number, layer in enumerate(self.layers):
                if number < 2:
                    x = layer(x)
            return x

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers[:2]:
                x = layer(x)
            return x

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
