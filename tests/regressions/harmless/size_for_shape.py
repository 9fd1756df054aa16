"""``.size()`` for ``.shape``, ``numel`` and ``dim`` for what they count."""

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
            batch, width = x.size()
            return self.linear(x).view(batch, 2, width // 2) * x.dim()

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x).view(x.shape[0], 2, x.numel() // x.shape[0] // 2) * len(x.shape)

    return Run(model=Model(), args=torch.randn(2, WIDTH))
