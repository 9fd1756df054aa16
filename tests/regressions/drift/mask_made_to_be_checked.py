"""A mask of ones is made only to find out that it masks nothing: transformers#36217, BERT before 5."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="the model")


class Attention(Projections):
    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))


def before() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor) -> Tensor:
            return super().forward(tokens)

    return Run(model=Model(Attention), args=tokens())


def after() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor) -> Tensor:
            mask = torch.ones(tokens.shape, dtype=torch.bool)
            if mask.all():  # here
                return super().forward(tokens)
            return super().forward(tokens, mask[:, None, None])

    return Run(model=Model(Attention), args=tokens())
