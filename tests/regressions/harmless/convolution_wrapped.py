"""A convolution was put into a Sequential."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="part.0")


class Model(nn.Module):
    def __init__(self, *, wrapped: bool) -> None:
        super().__init__()
        conv = nn.Conv2d(3, 3, 3)
        self.part = nn.Sequential(conv) if wrapped else conv

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.part(x).relu()  # here
        return made


def before() -> Run:
    return Run(model=Model(wrapped=False), args=torch.randn(1, 3, 8, 8), backward=torch.sum)


def after() -> Run:
    return Run(model=Model(wrapped=True), args=torch.randn(1, 3, 8, 8), backward=torch.sum)
