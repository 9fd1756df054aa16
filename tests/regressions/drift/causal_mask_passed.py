"""Support for packed sequences builds a mask where ``is_causal`` was enough: transformers#41856."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="layers.*.attention ×4")


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True))

    return Run(model=Decoder(Attention), args=tokens())


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            length = x.shape[1]
            mask = torch.ones(length, length, dtype=torch.bool).tril()
            return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))  # here

    return Run(model=Decoder(Attention), args=tokens())
