"""Sizes written out for ``expand``, and ``None`` as an index for ``unsqueeze``."""

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
            x = self.linear(x)
            return x.unsqueeze(1) * x.unsqueeze(2).expand(-1, -1, WIDTH)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.linear(x)
            columns = x[:, :, None].expand(*x.shape, WIDTH)
            return x[:, None] * columns

    return Run(model=Model(), args=torch.randn(2, WIDTH))
