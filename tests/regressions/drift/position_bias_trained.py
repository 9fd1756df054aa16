"""A bias inside attention that requires grad takes it off the fused path in training: transformers#47014."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, LENGTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="layers.*.attention ×4")


class Attention(Projections):
    def __init__(self, *, trained: bool) -> None:
        super().__init__()
        self.trained = trained
        self.bias = nn.Embedding(LENGTH, HEADS)

    def forward(self, x: Tensor) -> Tensor:
        distance = (torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)).abs()
        bias = self.bias(distance).permute(2, 0, 1)[None]
        if not self.trained:
            bias = bias.detach()
        return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=bias))  # here


def run(*, trained: bool) -> Run:
    return Run(model=Decoder(lambda: Attention(trained=trained)), args=tokens())


def before() -> Run:
    return run(trained=False)


def after() -> Run:
    return run(trained=True)
