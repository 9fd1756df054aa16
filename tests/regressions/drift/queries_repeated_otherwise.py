"""Queries for all windows are repeated by another operation: no keys, no values, and as much as before: timm 1.0.31."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="copied-elsewhere", module="layers.*.attention ×4")
WINDOWS = 8


class Attention(nn.Module):
    def __init__(self, *, interleaved: bool) -> None:
        super().__init__()
        self.interleaved = interleaved
        self.kv = nn.Linear(WIDTH, 2 * WIDTH)

    def repeated(self, queries: Tensor) -> Tensor:
        if self.interleaved:
            return queries.repeat_interleave(WINDOWS, 0)  # here
        return queries.repeat(WINDOWS, 1, 1, 1)

    def forward(self, x: Tensor, queries: Tensor) -> Tensor:
        k, v = self.kv(x).view(WINDOWS, 4, 2, 4, 8).permute(2, 0, 3, 1, 4)
        q = self.repeated(queries)
        return ((q * 0.3) @ k.mT).softmax(-1) @ v


class Layer(nn.Module):
    def __init__(self, *, interleaved: bool) -> None:
        super().__init__()
        self.attention = Attention(interleaved=interleaved)

    def forward(self, x: Tensor, queries: Tensor) -> Tensor:
        return x + self.attention(x, queries).transpose(1, 2).flatten(2)


class Model(nn.Module):
    def __init__(self, *, interleaved: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(interleaved=interleaved) for _ in range(4))

    def forward(self, x: Tensor, queries: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, queries + x.mean())
        return x


def run(*, interleaved: bool) -> Run:
    inputs = torch.randn(WINDOWS, 4, WIDTH), torch.randn(1, 4, 4, 8)
    return Run(model=Model(interleaved=interleaved), args=inputs, grad=False)


def before() -> Run:
    return run(interleaved=False)


def after() -> Run:
    return run(interleaved=True)
