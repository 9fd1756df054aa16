"""The mask of a sliding window is built also where the whole sequence fits into it: transformers#30461."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import LENGTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="layers.*.attention ×4")
WINDOW = LENGTH


def window_mask(length: int) -> Tensor:
    distance = torch.arange(length)[:, None] - torch.arange(length)[None]
    return (distance >= 0) & (distance < WINDOW)


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.split(x)
            mask = window_mask(x.shape[1]) if x.shape[1] > WINDOW else None
            return self.merge(scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None))

    return Run(model=Decoder(Attention), args=tokens(), grad=False)


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.split(x)
            mask = window_mask(x.shape[1])
            return self.merge(scaled_dot_product_attention(q, k, v, attn_mask=mask))  # here

    return Run(model=Decoder(Attention), args=tokens(), grad=False)
