"""A new cache class keeps every step's keys beside the joined ones: transformers#28024, after #26681."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.regressions.decoder import WIDTH, Projections
from tests.regressions.pair import Run, Told

TOLD = Told(cause="kept-alive")


class Cache:
    def __init__(self, *, keeps_parts: bool) -> None:
        self.joined: Tensor | None = None
        self.parts: list[Tensor] = []
        self.keeps_parts = keeps_parts

    def update(self, part: Tensor) -> Tensor:
        self.joined = part if self.joined is None else torch.cat([self.joined, part], 2)
        if self.keeps_parts:
            self.parts.append(part)
        return self.joined


class Attention(Projections):
    def __init__(self, *, keeps_parts: bool) -> None:
        super().__init__()
        self.keeps_parts = keeps_parts

    def forward(self, x: Tensor) -> Tensor:
        keys, values = Cache(keeps_parts=self.keeps_parts), Cache(keeps_parts=self.keeps_parts)
        made = []
        for part in x.split(4, 1):
            q, k, v = self.split(part)
            made.append((q @ keys.update(k).mT).softmax(-1) @ values.update(v))
        return self.merge(torch.cat(made, 2))


def run(*, keeps_parts: bool) -> Run:
    return Run(model=Attention(keeps_parts=keeps_parts), args=torch.randn(2, 32, WIDTH), grad=False)


def before() -> Run:
    return run(keeps_parts=False)


def after() -> Run:
    return run(keeps_parts=True)
