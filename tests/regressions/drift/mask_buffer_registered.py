"""A causal mask of the greatest possible length is held as a buffer: transformers#29484."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="state-bytes")
LONGEST = 64


class Attention(Projections):
    def forward(self, x: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True))


def before() -> Run:
    return Run(model=Decoder(Attention), args=tokens(), grad=False)


def after() -> Run:
    model = Decoder(Attention)
    model.register_buffer("causal_mask", torch.ones(LONGEST, LONGEST, dtype=torch.bool).triu(1))
    return Run(model=model, args=tokens(), grad=False)
