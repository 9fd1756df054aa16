"""The last token is cut off before the model runs instead of its logits behind it: all sizes inside are others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="other-part", module="core.embed")


class Attention(Projections):
    """Attention by hand under a mask as long as what it is given."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return self.merge((q @ k.mT).masked_fill(future, -1e9).softmax(-1) @ v)


class Core(Decoder):
    """Attention between an embedding and a head."""

    def forward(self, tokens: Tensor, *rest: Any) -> Tensor:
        x = self.embed(tokens)  # here
        for layer in self.layers:
            x = layer(x, *rest)
        return self.head(x)


class Loss(nn.Module):
    """Each token is predicted from those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(Attention)

    def loss(self, logits: Tensor, ids: Tensor) -> Tensor:
        return cross_entropy(logits.mT, ids[:, 1:])


def before() -> Run:
    class Whole(Loss):
        def forward(self, ids: Tensor) -> Tensor:
            return self.loss(self.core(ids)[:, :-1], ids)

    return Run(model=Whole(), args=tokens(), backward=lambda loss: loss)


def after() -> Run:
    class Cut(Loss):
        def forward(self, ids: Tensor) -> Tensor:
            return self.loss(self.core(ids[:, :-1]), ids)

    return Run(model=Cut(), args=tokens(), backward=lambda loss: loss)
