"""A number is given to the overload for numbers, as compiled functions of old did."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="same-argument", module="the model")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            scaled: Tensor = torch.ops.aten.mul.Scalar(self.linear(x), 0.5)
            return scaled.exp()

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            scaled: Tensor = self.linear(x) * 0.5  # here
            return scaled.exp()

    return Run(model=Model(), args=torch.randn(2, WIDTH))
