"""The weights are others, drawn from another distribution."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same", atol=float("inf"))


def run(bound: float) -> Run:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU())
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -bound, bound)
    return Run(model=model, args=torch.randn(2, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(0.1)


def after() -> Run:
    return run(1.0)
