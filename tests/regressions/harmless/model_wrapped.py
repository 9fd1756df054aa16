"""The model lies in a wrapper that hands everything on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="module")


class Wrapper(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)  # here


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH))


def before() -> Run:
    return Run(model=model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    return Run(model=Wrapper(model()), args=torch.randn(2, WIDTH))
