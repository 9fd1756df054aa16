"""Dimensions are counted from behind."""

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
            x = self.linear(x).softmax(2).sum(1)
            return torch.cat([x, x.flip(1)], 1).cumsum(1)

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x).softmax(-1).sum(-2)  # here
            return torch.cat((x, x.flip(-1)), dim=-1).cumsum(-1)  # here

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)
