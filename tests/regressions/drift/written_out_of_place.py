"""What was written in place is made anew and copied back: pytorch#127660, #195285, #189080."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="out-of-place", module="the model")


def fill(cache: Tensor, part: Tensor) -> Tensor:
    cache[:, 4:8].copy_(part)  # here
    cache[:, :4].mul_(0.5)  # here
    return cache.sum(1)


class Cache(nn.Module):
    def __init__(self, *, functional: bool) -> None:
        super().__init__()
        self.fill = torch.func.functionalize(fill) if functional else fill

    def forward(self, cache: Tensor, part: Tensor) -> Tensor:
        return self.fill(cache, part)


def run(*, functional: bool) -> Run:
    args = (torch.randn(2, 16, WIDTH), torch.randn(2, 4, WIDTH))
    return Run(model=Cache(functional=functional), args=args, grad=False)


def before() -> Run:
    return run(functional=False)


def after() -> Run:
    return run(functional=True)
