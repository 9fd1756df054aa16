"""A causal mask is written out and passed, which no flash kernel takes: keras#22910."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import LENGTH, WIDTH, Projections
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="the model")


def run(model: nn.Module) -> Run:
    return Run(model=model, args=torch.randn(2, LENGTH, WIDTH), grad=False)


def before() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True))

    return run(Attention())


def after() -> Run:
    class Attention(Projections):
        def forward(self, x: Tensor) -> Tensor:
            mask = torch.full((LENGTH, LENGTH), -torch.inf).triu(1)
            return self.merge(scaled_dot_product_attention(*self.split(x), attn_mask=mask))  # here

    return run(Attention())
