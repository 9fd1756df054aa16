"""A causal mask is made for a cache that is to grow, one column longer, and in another way: transformers 4.42."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import LENGTH, WIDTH, Projections
from tests.regressions.pair import Run, Told

TOLD = Told(cause="mask-rebuilt", module="the model")
LEAST = torch.finfo(torch.float32).min


class Attention(Projections):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.merge(functional.scaled_dot_product_attention(*self.split(x), attn_mask=mask))


class Model(nn.Module):
    def __init__(self, *, longer: bool) -> None:
        super().__init__()
        self.longer = longer
        self.layers = nn.ModuleList(Attention() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        positions = torch.arange(LENGTH)
        if self.longer:
            mask = torch.full((LENGTH, LENGTH + 1), LEAST).triu(1)  # here
            mask *= torch.arange(LENGTH + 1) > positions[:, None]  # here
        else:
            mask = torch.full((LENGTH, LENGTH), LEAST)
            mask.masked_fill_(positions < (positions + 1)[:, None], 0)
        for layer in self.layers:
            x = layer(x, mask[:, :LENGTH])
        return x


def run(*, longer: bool) -> Run:
    return Run(model=Model(longer=longer), args=torch.randn(2, LENGTH, WIDTH), grad=False)


def before() -> Run:
    return run(longer=False)


def after() -> Run:
    return run(longer=True)
