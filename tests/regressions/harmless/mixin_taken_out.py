"""Methods move to a mixin that the class inherits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


class Normalised:
    def normalised(self, x: Tensor) -> Tensor:
        return x - x.mean(-1, keepdim=True)


def before() -> Run:
    class Model(Parts):
        def normalised(self, x: Tensor) -> Tensor:
            return x - x.mean(-1, keepdim=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.normalised(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Normalised, Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.normalised(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
