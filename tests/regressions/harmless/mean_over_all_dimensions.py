"""Reductions name all dimensions, or some in another order."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="same-argument", module="the model")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x)
            return x.mean() + x.sum((0, 1)).amax() + x.var()

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x)
            return x.mean((0, 1, 2)) + x.sum((1, 0)).amax() + x.var(correction=1)  # here

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)
