"""Values go to half precision and back, with no work in between."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="downcast", module="head", atol=1e-2)


class Head(nn.Module):
    def __init__(self, *, rounded: bool) -> None:
        super().__init__()
        self.linear, self.rounded = nn.Linear(WIDTH, WIDTH), rounded

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear(x)
        return found.half().float() if self.rounded else found  # here


class Model(nn.Module):
    def __init__(self, *, rounded: bool) -> None:
        super().__init__()
        self.head = Head(rounded=rounded)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(x).exp()
        return found


def before() -> Run:
    return Run(model=Model(rounded=False), args=torch.randn(2, WIDTH) / 4, backward=torch.sum)


def after() -> Run:
    return Run(model=Model(rounded=True), args=torch.randn(2, WIDTH) / 4, backward=torch.sum)
