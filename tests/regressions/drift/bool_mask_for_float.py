"""A bool mask is handed to attention, where every call turns it into a float one: fairseq2#439."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import LENGTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="layers.*.attention ×4")


class Attention(Projections):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))  # here


def before() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor) -> Tensor:
            causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
            return super().forward(tokens, torch.zeros(LENGTH, LENGTH).masked_fill(~causal, -torch.inf))

    return Run(model=Model(Attention), args=tokens())


def after() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor) -> Tensor:
            causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
            return super().forward(tokens, causal)

    return Run(model=Model(Attention), args=tokens())
