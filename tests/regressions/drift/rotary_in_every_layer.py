"""The table of rotations is computed in every layer instead of being looked up: transformers#29484, same release."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, LENGTH, WIDTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="repeated-work", module="layers.*.attention ×4")
HALF = WIDTH // HEADS // 2


def angles(length: int) -> Tensor:
    frequencies = 10000.0 ** -(torch.arange(HALF) / HALF)  # here
    return torch.arange(length)[:, None] * frequencies  # here


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return torch.cat([left * cos - right * sin, left * sin + right * cos], -1)


class Attention(Projections):
    turns: Tensor

    def __init__(self, *, cached: bool) -> None:
        super().__init__()
        self.cached = cached
        self.register_buffer("turns", angles(LENGTH))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        turns = self.turns if self.cached else angles(x.shape[1])
        q, k = (rotated(part, turns.cos(), turns.sin()) for part in (q, k))
        return self.merge(scaled_dot_product_attention(q, k, v, is_causal=True))


def before() -> Run:
    return Run(model=Decoder(lambda: Attention(cached=True)), args=tokens(), grad=False)


def after() -> Run:
    return Run(model=Decoder(lambda: Attention(cached=False)), args=tokens(), grad=False)
