"""A head that is tied to the embedding is applied as a function of its weight."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="the model")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(WIDTH, WIDTH)


def before() -> Run:
    class Model(Parts):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(WIDTH, WIDTH, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.embed(x))

    return Run(model=Model(), args=torch.arange(8)[None])


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return functional.linear(self.embed(x), self.embed.weight)  # here

    return Run(model=Model(), args=torch.arange(8)[None])
