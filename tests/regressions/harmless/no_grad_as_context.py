"""``no_grad`` as a context instead of a decorator."""

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
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x).softmax(-1)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                return self.linear(x).softmax(-1)

    return Run(model=Model(), args=torch.randn(2, WIDTH))
