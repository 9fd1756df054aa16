"""Modules that were attributes with a number are a list."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="layer* ×3")


def before() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for number in range(3):
                self.add_module(f"layer{number}", nn.Linear(WIDTH, WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            for number in range(3):
                x = getattr(self, f"layer{number}")(x)
            return x

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    return Run(model=Model(), args=torch.randn(2, WIDTH))
