"""A conversion copies the weights and keeps what it copied from: accelerate#2089, 12.6 GB became 37.2 GB."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="state-bytes")


class Converted(nn.Module):
    def __init__(self, linear: nn.Linear, *, copies: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().clone() if copies else linear.weight.detach())
        if copies:
            self.source = linear

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T


def run(*, copies: bool) -> Run:
    layers = (Converted(nn.Linear(WIDTH, WIDTH), copies=copies) for _ in range(4))
    return Run(model=nn.Sequential(*layers), args=torch.randn(2, WIDTH), grad=False)


def before() -> Run:
    return run(copies=False)


def after() -> Run:
    return run(copies=True)
