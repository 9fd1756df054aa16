"""Arguments are handed on as ``**kwargs``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Part(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, scale: Tensor | None = None, shift: float = 0.0) -> Tensor:
        x = self.linear(x)
        return x if scale is None else x * scale + shift


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = Part()


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor, scale: Tensor) -> Tensor:
            return self.part(x, scale, 1.0)

    return Run(model=Model(), args=(torch.randn(2, WIDTH), torch.randn(WIDTH)))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor, scale: Tensor) -> Tensor:
            return self.part(x, shift=1.0, scale=scale)

    return Run(model=Model(), args=(torch.randn(2, WIDTH), torch.randn(WIDTH)))
