"""``if mask.any():`` asks the device for a Python bool in every attention call: x-transformers#355."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import LENGTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="layers.*.attention ×4")


def run(attention: type[Projections]) -> Run:
    mask = torch.arange(LENGTH).expand(2, -1)[:, None, None] < 12
    return Run(model=Decoder(attention), args=(tokens(), mask), grad=False)


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))

    return run(Attention)


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            if not mask.any():  # here
                raise ValueError("every key is masked")
            return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))

    return run(Attention)
