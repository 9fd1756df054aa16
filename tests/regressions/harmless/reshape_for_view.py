"""``reshape`` and ``flatten`` where ``view`` was enough, and still is."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, WIDTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")
SIZE = WIDTH // HEADS


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            shape = (x.shape[0], x.shape[1], HEADS, SIZE)
            q, k, v = (linear(x).view(shape).permute(0, 2, 1, 3) for linear in (self.q, self.k, self.v))
            return self.merge(scaled_dot_product_attention(q, k, v))

    return Run(model=Decoder(Attention), args=tokens())


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q, k, v = (linear(x).reshape(*x.shape[:2], -1, SIZE).swapaxes(1, 2) for linear in (self.q, self.k, self.v))
            return self.merge(scaled_dot_product_attention(q, k, v))

    return Run(model=Decoder(Attention), args=tokens())
