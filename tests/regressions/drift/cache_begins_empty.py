"""A cache begins with empty tensors, so that the first step's keys and values are joined with nothing and copied."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="extra-copy", module="layers.*.attention ×4")


class Attention(Projections):
    def __init__(self, *, begins_empty: bool) -> None:
        super().__init__()
        self.begins_empty = begins_empty

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        if self.begins_empty:
            held = torch.tensor([])
            k, v = torch.cat([held, k], -2), torch.cat([held, v], -2)  # here
        return self.merge(functional.scaled_dot_product_attention(q, k, v, is_causal=True))


def run(*, begins_empty: bool) -> Run:
    model = Decoder(lambda: Attention(begins_empty=begins_empty))
    return Run(model=model, args=tokens(), grad=False)


def before() -> Run:
    return run(begins_empty=False)


def after() -> Run:
    return run(begins_empty=True)
