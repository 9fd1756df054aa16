"""A property for an attribute that was computed once: a Python number either way."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


def before() -> Run:
    class Model(Parts):
        scale = WIDTH**-0.5

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x) * self.scale

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        @property
        def scale(self) -> float:
            return float(self.linear.in_features) ** -0.5

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x) * self.scale

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
