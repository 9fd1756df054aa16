"""Attention weights are upcast for softmax everywhere after a refactor: diffusers#3483."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.regressions.decoder import LENGTH, WIDTH, Projections
from tests.regressions.pair import Run, Told

TOLD = Told(cause="upcast", module="the model", atol=2e-2)


class Attention(Projections):
    def __init__(self, *, upcast_softmax: bool) -> None:
        super().__init__()
        self.upcast_softmax = upcast_softmax

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        scores = q @ k.transpose(-1, -2) * 0.35
        if self.upcast_softmax:
            scores = scores.float()  # here
        weights = scores.softmax(-1).to(v.dtype)  # here
        return self.merge(weights @ v)


def run(*, upcast_softmax: bool) -> Run:
    model = Attention(upcast_softmax=upcast_softmax).bfloat16()
    return Run(model=model, args=torch.randn(2, LENGTH, WIDTH, dtype=torch.bfloat16), grad=False)


def before() -> Run:
    return run(upcast_softmax=False)


def after() -> Run:
    return run(upcast_softmax=True)
