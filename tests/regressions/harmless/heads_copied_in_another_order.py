"""Queries are split into heads where they are made, no longer after keys and values: transformers' Whisper."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, WIDTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="reordered", module="layers.*.attention ×4")


def heads(x: Tensor) -> Tensor:
    return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2).contiguous()  # here


class Last(Projections):
    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x)
        k, v = heads(self.k(x)), heads(self.v(x))
        return self.merge(scaled_dot_product_attention(heads(q), k, v))


class First(Projections):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = heads(self.q(x)), heads(self.k(x)), heads(self.v(x))
        return self.merge(scaled_dot_product_attention(q, k, v))


def before() -> Run:
    return Run(model=Decoder(Last), args=tokens(), grad=False)


def after() -> Run:
    return Run(model=Decoder(First), args=tokens(), grad=False)
