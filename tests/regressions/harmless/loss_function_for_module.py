"""A loss module became a function of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="the model")
LABELS = torch.arange(10) % 5


def before() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.loss = nn.Linear(WIDTH, 5), nn.CrossEntropyLoss()

        def forward(self, x: Tensor) -> Tensor:
            loss: Tensor = self.loss(self.head(x).view(-1, 5), LABELS)
            return loss

    return Run(model=Model(), args=torch.randn(2, 5, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(WIDTH, 5)

        def forward(self, x: Tensor) -> Tensor:
            return functional.cross_entropy(self.head(x).view(-1, 5), LABELS)  # here

    return Run(model=Model(), args=torch.randn(2, 5, WIDTH), backward=torch.sum)
