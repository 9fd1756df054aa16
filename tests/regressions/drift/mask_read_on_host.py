"""The mask is looked into twice on the host before it is used: transformers 4.39, ``_update_causal_mask``."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="the model")


class Attention(Projections):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask[:, None, None]))


def run(model: Decoder) -> Run:
    return Run(model=model, args=(tokens(), torch.arange(16).expand(2, -1) < 12))


def before() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
            return super().forward(tokens, mask)

    return run(Model(Attention))


def after() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
            if not mask.any():  # here
                raise ValueError("nothing is attended to")
            if mask[:, 0].all():  # here
                return super().forward(tokens, mask)
            return super().forward(tokens, mask.roll(1))

    return run(Model(Attention))
