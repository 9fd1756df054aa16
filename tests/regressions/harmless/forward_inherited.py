"""``forward`` is inherited, and its work is a method that subclasses fill in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)


class Residual(Parts):
    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)

    def inner(self, x: Tensor) -> Tensor:
        raise NotImplementedError


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.down(self.up(x).tanh())

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Residual):
        def inner(self, x: Tensor) -> Tensor:
            return self.down(self.up(x).tanh())

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
