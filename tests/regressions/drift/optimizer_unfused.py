"""One fused step of the optimizer becomes one operation after the other: LibreYOLO#763, rf-detr#1492."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="unfused", module="optimizer")


def run(*, fused: bool) -> Run:
    model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(3)))
    optimizer = torch.optim.AdamW(model.parameters(), fused=fused, foreach=False)
    return Run(model=model, args=torch.randn(8, WIDTH), backward=torch.mean, optimizer=optimizer)


def before() -> Run:
    return run(fused=True)


def after() -> Run:
    return run(fused=False)
