"""Arguments are given by keyword, defaults are written out, functions are called as methods."""

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
            x = functional.softmax(self.linear(x), -1)
            return torch.sum(x, 1) + torch.mul(x, 2).mean(1)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(input=x).softmax(dim=-1)
            return x.sum(dim=1, keepdim=False) + (x * 2).mean(dim=1)

    return Run(model=Model(), args=torch.randn(2, WIDTH))
