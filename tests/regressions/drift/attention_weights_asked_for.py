"""Weights that nobody reads are asked for, so attention is computed by hand: transformers#38327, #38288."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-unfused", module="layers.*.attention ×4", atol=1e-5)


class Attention(Projections):
    def __init__(self, *, output_attentions: bool) -> None:
        super().__init__()
        self.output_attentions = output_attentions

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        if self.output_attentions:
            attended, _ = self.eager(q, k, v)
        else:
            attended = scaled_dot_product_attention(q, k, v)
        return self.merge(attended)

    def eager(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        weights = (q @ k.transpose(-1, -2) * math.sqrt(1 / q.shape[-1])).softmax(-1)  # here
        return weights @ v, weights


def run(*, output_attentions: bool) -> Run:
    model = Decoder(lambda: Attention(output_attentions=output_attentions))
    return Run(model=model, args=tokens(), grad=False)


def before() -> Run:
    return run(output_attentions=False)


def after() -> Run:
    return run(output_attentions=True)
