"""ReLU became GELU in a check with gradients on: the edit leads, not what is saved for it."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(module="1", atol=10, gradients=False)


def run(activation: nn.Module) -> Run:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), activation, nn.Linear(WIDTH, WIDTH))
    return Run(model=model, args=torch.randn(2, 16, WIDTH), backward=torch.sum)


def before() -> Run:
    return run(nn.ReLU())


def after() -> Run:
    return run(nn.GELU())
