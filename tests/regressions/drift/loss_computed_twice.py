"""The model computes a loss of labels that label smoothing computes again: transformers#9261 (PR #9241)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="unused-result", module="model")
WORDS = 500


class Model(nn.Module):
    def __init__(self, *, return_loss: bool) -> None:
        super().__init__()
        self.return_loss = return_loss
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, hidden: Tensor, labels: Tensor) -> tuple[Tensor | None, Tensor]:
        logits = self.head(hidden)
        loss = cross_entropy(logits, labels) if self.return_loss else None  # here
        return loss, logits


class Smoothed(nn.Module):
    def __init__(self, *, return_loss: bool) -> None:
        super().__init__()
        self.model = Model(return_loss=return_loss)

    def forward(self, hidden: Tensor, labels: Tensor) -> Tensor:
        _, logits = self.model(hidden, labels)
        return cross_entropy(logits, labels, label_smoothing=0.1)


def run(*, return_loss: bool) -> Run:
    args = (torch.randn(32, WIDTH), torch.randint(0, WORDS, (32,)))
    return Run(model=Smoothed(return_loss=return_loss), args=args, backward=lambda loss: loss)


def before() -> Run:
    return run(return_loss=False)


def after() -> Run:
    return run(return_loss=True)
