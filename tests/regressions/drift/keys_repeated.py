"""Keys and values are repeated for every head although the kernel shares them: torchtitan#2224, llm-foundry#628."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="repeated-keys", module="layers.*.attention ×4")


def repeat_kv(x: Tensor, times: int) -> Tensor:
    batch, heads, length, size = x.shape
    return x[:, :, None].expand(-1, -1, times, -1, -1).reshape(batch, heads * times, length, size)


def before() -> Run:
    class Attention(Projections):
        def __init__(self) -> None:
            super().__init__(groups=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True, enable_gqa=True))

    return Run(model=Decoder(Attention), args=tokens(), grad=False)


def after() -> Run:
    class Attention(Projections):
        def __init__(self) -> None:
            super().__init__(groups=2)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.split(x)
            k, v = repeat_kv(k, 2), repeat_kv(v, 2)
            return self.merge(scaled_dot_product_attention(q, k, v, is_causal=True))  # here

    return Run(model=Decoder(Attention), args=tokens(), grad=False)
