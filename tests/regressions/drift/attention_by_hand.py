"""Attention is no longer one fused call by default: transformers#32865, optimum-intel#976."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-unfused", module="layers.*.attention ×4", atol=1e-5)


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True))

    return Run(model=Decoder(Attention), args=tokens(), grad=False)


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.split(x)
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # here
            mask = torch.full((x.shape[1], x.shape[1]), -torch.inf).triu(1)
            weights = (scores + mask).softmax(-1)
            return self.merge(weights @ v)

    return Run(model=Decoder(Attention), args=tokens(), grad=False)
