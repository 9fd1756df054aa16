"""An argument of ``forward`` has another name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="x")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(WIDTH, 4)


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.head(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, hidden_states: Tensor) -> Tensor:
            return self.head(hidden_states)

    return Run(model=Model(), args=torch.randn(2, WIDTH))
