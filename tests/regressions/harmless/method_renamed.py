"""A method that ``forward`` calls has another name."""

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
            return x + self._ff(x)

        def _ff(self, x: Tensor) -> Tensor:
            return self.down(self.up(x).relu())

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.feed_forward(x)

        def feed_forward(self, x: Tensor) -> Tensor:
            return self.down(self.up(x).relu())

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
