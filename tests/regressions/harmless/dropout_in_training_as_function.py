"""Dropout that writes in place, in training, is a function instead of a module: nothing changes its turn."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="the model")


class Net(nn.Module):
    def __init__(self, *, is_module: bool) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.drop = nn.Dropout(0.1) if is_module else None

    def forward(self, x: Tensor) -> Tensor:
        up = self.up(x)
        out: Tensor = self.down(self.drop(up) if self.drop else dropout(up, 0.1, self.training))  # here
        return out


def before() -> Run:
    return Run(model=Net(is_module=True).train(), args=torch.randn(2, 6, WIDTH))


def after() -> Run:
    return Run(model=Net(is_module=False).train(), args=torch.randn(2, 6, WIDTH))
