"""The loss is computed in float64: the cast and its line lead, not the backward formula."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="upcast", module="the model", atol=1e-4)
LABELS = torch.arange(8) % 5


class Model(nn.Module):
    def __init__(self, *, double: bool) -> None:
        super().__init__()
        self.head, self.double_loss = nn.Linear(WIDTH, 5), double

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x)
        if self.double_loss:
            logits = logits.double()  # here
        return functional.cross_entropy(logits, LABELS)


def before() -> Run:
    return Run(model=Model(double=False), args=torch.randn(8, WIDTH), backward=torch.sum)


def after() -> Run:
    return Run(model=Model(double=True), args=torch.randn(8, WIDTH), backward=torch.sum)
