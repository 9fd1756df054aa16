"""Heads are split by ``view`` and ``permute``, or by ``unflatten`` and ``movedim``, as ``rearrange`` does."""

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
            batch, length, _ = x.shape
            x = self.linear(x).view(batch, length, 4, -1).permute(0, 2, 1, 3)
            return x.relu().permute(0, 2, 1, 3).reshape(batch, length, WIDTH)

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x).unflatten(2, (4, WIDTH // 4)).movedim(2, 1)
            return x.relu().transpose(-3, -2).flatten(start_dim=2)

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH))
