"""A part is reached through a method, as ``get_decoder()``."""

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
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def get_decoder(self) -> nn.Module:
            return self.linear

        def forward(self, x: Tensor) -> Tensor:
            return self.get_decoder()(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH))
