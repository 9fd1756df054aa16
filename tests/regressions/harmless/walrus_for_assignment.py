"""A name that is given inside an expression."""

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


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            made = self.linear(x)
            return made * made.sigmoid()

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return (made := self.linear(x)) * made.sigmoid()

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
