"""The optimizer goes through its parameters one by one instead of all at once: rf-detr#1492."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="unfused", module="optimizer")


def run(*, foreach: bool) -> Run:
    model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(3)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, foreach=foreach)
    return Run(model=model, args=torch.randn(8, WIDTH), backward=torch.mean, optimizer=optimizer)


def before() -> Run:
    return run(foreach=True)


def after() -> Run:
    return run(foreach=False)
