"""Keys are projected before queries in every layer."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, WIDTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="reordered", module="layers.*.attention ×4")


def heads(x: Tensor) -> Tensor:
    return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q = heads(self.q(x))
            k = heads(self.k(x))
            v = heads(self.v(x))
            return self.merge(scaled_dot_product_attention(q, k, v))

    return Run(model=Decoder(Attention), args=tokens())


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            k = heads(self.k(x))
            v = heads(self.v(x))
            q = heads(self.q(x))  # here
            return self.merge(scaled_dot_product_attention(q, k, v))

    return Run(model=Decoder(Attention), args=tokens())
