"""An evaluation loop keeps every batch's outputs for its end: Lightning#8453, #8583."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH, WORDS
from tests.regressions.pair import Run, Told

TOLD = Told(cause="kept-alive")


class Evaluation(nn.Module):
    def __init__(self, *, retains: bool) -> None:
        super().__init__()
        self.model = nn.Linear(WIDTH, WORDS)
        self.retains = retains

    def forward(self, batches: Tensor) -> Tensor:
        outputs = []
        largest = []
        for batch in batches:
            output = self.model(batch)
            largest.append(output.amax())
            if self.retains:
                outputs.append(output)
        return torch.stack(largest)


def run(*, retains: bool) -> Run:
    return Run(model=Evaluation(retains=retains), args=torch.randn(4, 16, WIDTH), grad=False)


def before() -> Run:
    return run(retains=False)


def after() -> Run:
    return run(retains=True)
