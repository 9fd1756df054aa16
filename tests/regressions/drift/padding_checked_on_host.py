"""A fix of the mask asks the device whether there is padding, once per forward: transformers 5, cf. #43088."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="the model")


class Attention(Projections):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))


def run(model: Decoder) -> Run:
    return Run(model=model, args=(tokens(), torch.arange(16).expand(2, -1) < 12))


def before() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
            mask = padding[:, None, None] & torch.ones(16, 16, dtype=torch.bool).tril()
            return super().forward(tokens, mask)

    return run(Model(Attention))


def after() -> Run:
    class Model(Decoder):
        def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
            mask = torch.ones(16, 16, dtype=torch.bool).tril()
            if not padding.all():  # here
                mask = padding[:, None, None] & mask
            return super().forward(tokens, mask)

    return run(Model(Attention))
