"""``split`` for ``chunk``, into parts of the same sizes."""

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
            left, right = self.linear(x).chunk(2, dim=-1)
            return left * right.sigmoid()

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            left, right = self.linear(x).split(WIDTH // 2, dim=1)
            return left * right.sigmoid()

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
