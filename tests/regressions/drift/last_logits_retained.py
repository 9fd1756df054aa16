"""A training loop still holds the last step's logits while the next ones are made: fms-fsdp#152, open-instruct#777."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="kept-alive")
WORDS = 500


class Loop(nn.Module):
    outputs: Tensor | None = None

    def __init__(self, *, keeps: bool) -> None:
        super().__init__()
        self.model = nn.Linear(WIDTH, WORDS)
        self.keeps = keeps

    def forward(self, batches: Tensor, labels: Tensor) -> Tensor:
        total = torch.zeros(())
        for batch in batches:
            logits = self.model(batch)
            loss = cross_entropy(logits, labels)
            loss.backward()
            total = total + loss.detach()
            if self.keeps:
                self.outputs = logits
        return total


def run(*, keeps: bool) -> Run:
    return Run(model=Loop(keeps=keeps), args=(torch.randn(3, 32, WIDTH), torch.randint(0, WORDS, (32,))))


def before() -> Run:
    return run(keeps=False)


def after() -> Run:
    return run(keeps=True)
