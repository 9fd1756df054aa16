"""A weight is given the dimensions in front that broadcasting adds by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="same-argument", module="the model")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(WIDTH)), nn.Parameter(torch.zeros(WIDTH))


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return (x * self.weight).exp() - self.bias

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return (x * self.weight[None]).exp() - self.bias.view(1, 1, -1)  # here

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)
