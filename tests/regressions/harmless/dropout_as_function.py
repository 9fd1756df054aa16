"""Dropout is called as a function that does nothing in evaluation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

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
            return self.linear(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return functional.dropout(self.linear(x), 0.1, training=False)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
