"""Validation runs without ``no_grad``: fairchem#199, 8.1 GB instead of 2.2 GB."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="grad-in-evaluation")


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU()) for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def before() -> Run:
    class Trainer(Model):
        @torch.no_grad()
        def validate(self, x: Tensor) -> Tensor:
            return self(x).mean()

    return Run(model=Trainer().eval().validate, args=torch.randn(16, WIDTH))


def after() -> Run:
    class Trainer(Model):
        def validate(self, x: Tensor) -> Tensor:
            return self(x).mean()

    return Run(model=Trainer().eval().validate, args=torch.randn(16, WIDTH))
