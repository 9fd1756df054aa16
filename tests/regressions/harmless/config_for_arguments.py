"""A configuration object for arguments."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


def before() -> Run:
    class Model(nn.Module):
        def __init__(self, width: int = WIDTH, eps: float = 1e-6) -> None:
            super().__init__()
            self.linear, self.norm = nn.Linear(width, width, bias=False), nn.LayerNorm(width, eps)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    @dataclass
    class Config:
        width: int = WIDTH
        eps: float = 1e-6
        bias: bool = False

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = Config()
            self.linear = nn.Linear(self.config.width, self.config.width, bias=self.config.bias)
            self.norm = nn.LayerNorm(self.config.width, eps=self.config.eps)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
