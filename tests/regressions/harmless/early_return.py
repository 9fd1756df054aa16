"""An early return for an ``else``."""

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


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.up(x)
            if x.shape[0] == 1:
                out = self.down(x)
            else:
                x = x.relu()
                out = self.down(x)
            return out

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            x = self.up(x)
            if x.shape[0] == 1:
                return self.down(x)
            x = x.relu()
            return self.down(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
