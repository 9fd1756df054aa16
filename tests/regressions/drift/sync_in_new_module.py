"""A module that checks its values on the host is called newly: the sync inside it is told by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="guard")


class Guard(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if bool((x > 1e9).any()):  # here
            raise ValueError
        return x + 0


class Model(nn.Module):
    def __init__(self, *, guarded: bool) -> None:
        super().__init__()
        self.linear, self.guard, self.guarded = nn.Linear(WIDTH, WIDTH), Guard(), guarded

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x)
        return self.guard(x) if self.guarded else x


def before() -> Run:
    return Run(model=Model(guarded=False), args=torch.randn(2, WIDTH))


def after() -> Run:
    return Run(model=Model(guarded=True), args=torch.randn(2, WIDTH))
