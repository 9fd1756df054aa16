"""``.contiguous()``, ``.to(dtype)`` and ``.float()`` where they have nothing to do."""

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
            return self.linear(x).softmax(-1)

    return Run(model=Model(), args=torch.randn(2, WIDTH), grad=False)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x.contiguous()).to(self.linear.weight.dtype)
            return x.float().softmax(-1).detach()

    return Run(model=Model(), args=torch.randn(2, WIDTH), grad=False)
