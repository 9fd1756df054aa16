"""The inputs hold other values of the same shapes."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(status="same", atol=float("inf"))


class Attention(Projections):
    def forward(self, x: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True))


def before() -> Run:
    return Run(model=Decoder(Attention), args=tokens())


def after() -> Run:
    return Run(model=Decoder(Attention), args=tokens() // 2)
