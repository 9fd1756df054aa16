"""An activation bound with ``partial`` instead of by a function of its own."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.activation(self.linear(x))

        def activation(self, x: Tensor) -> Tensor:
            return functional.gelu(x, approximate="tanh")

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        activation = staticmethod(partial(functional.gelu, approximate="tanh"))

        def forward(self, x: Tensor) -> Tensor:
            return self.activation(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
