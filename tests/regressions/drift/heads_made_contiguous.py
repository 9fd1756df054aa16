"""A copy that one PyTorch version needed is made for all of them: transformers#35342, removed by #40315."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="extra-copy", module="layers.*.attention ×4")


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.split(x)
            return self.merge(scaled_dot_product_attention(q, k, v, is_causal=True))

    return Run(model=Decoder(Attention), args=tokens())


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            q, k, v = (part.contiguous() for part in self.split(x))  # here
            return self.merge(scaled_dot_product_attention(q, k, v, is_causal=True))

    return Run(model=Decoder(Attention), args=tokens())
