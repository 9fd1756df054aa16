"""Grouped heads are left to the kernel, which takes the slow path for wide heads: transformers#46960."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="layers.*.attention ×2")
SIZE = 272
"""Wider than the 256 that fused kernels take."""


class Attention(nn.Module):
    def __init__(self, *, enable_gqa: bool) -> None:
        super().__init__()
        self.enable_gqa = enable_gqa
        self.q = nn.Linear(16, 4 * SIZE)
        self.k = nn.Linear(16, 2 * SIZE)
        self.v = nn.Linear(16, 2 * SIZE)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (linear(x).unflatten(-1, (-1, SIZE)).transpose(1, 2) for linear in (self.q, self.k, self.v))
        if not self.enable_gqa:
            k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        return scaled_dot_product_attention(q, k, v, enable_gqa=self.enable_gqa)  # here


class Layer(nn.Module):
    def __init__(self, *, enable_gqa: bool) -> None:
        super().__init__()
        self.attention = Attention(enable_gqa=enable_gqa)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(x).mean((1, 3), keepdim=False)[:, :, None]


def run(*, enable_gqa: bool) -> Run:
    model = nn.Sequential()
    model.add_module("layers", nn.Sequential(*(Layer(enable_gqa=enable_gqa) for _ in range(2))))
    return Run(model=model, args=torch.randn(2, 8, 16), grad=False)


def before() -> Run:
    return run(enable_gqa=False)


def after() -> Run:
    return run(enable_gqa=True)
