"""The caller of an evaluation step no longer switches gradients off: fairchem#199."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="grad-in-evaluation")


def run(*, grad: bool) -> Run:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH)).eval()
    return Run(model=model, args=torch.randn(16, WIDTH), grad=grad)


def before() -> Run:
    return run(grad=False)


def after() -> Run:
    return run(grad=True)
