"""The mask is expanded to every head and written out before attention: pytorch#112577, #114173."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, LENGTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="mask-materialised", module="layers.*.attention ×4")


def run(attention: type[Projections]) -> Run:
    mask = torch.full((LENGTH, LENGTH), -torch.inf).triu(1)[None, None]
    return Run(model=Decoder(attention), args=(tokens(), mask), grad=False)


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))

    return run(Attention)


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            mask = mask.expand(x.shape[0], HEADS, -1, -1).contiguous()  # here
            return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))

    return run(Attention)
