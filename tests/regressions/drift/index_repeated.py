"""The index of the last token is repeated for every feature instead of expanded: sentence-transformers until 5.2."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(cause="extra-copy", module="pooling")
LENGTH, WIDTH = 6, 32


class Encoder(nn.Module):
    def __init__(self, pooling: nn.Module) -> None:
        super().__init__()
        self.embedding, self.pooling = nn.Embedding(8, WIDTH), pooling

    def forward(self, ids: Tensor) -> Tensor:
        pooled: Tensor = self.pooling(self.embedding(ids), ids.argmax(1, keepdim=True))
        return pooled


def run(pooling: nn.Module) -> Run:
    return Run(model=Encoder(pooling), args=torch.arange(2 * LENGTH).view(2, LENGTH) % 8, backward=torch.sum)


def before() -> Run:
    class Pooling(nn.Module):
        def forward(self, x: Tensor, last: Tensor) -> Tensor:
            return x.gather(1, last.unsqueeze(-1).expand(-1, 1, WIDTH))

    return run(Pooling())


def after() -> Run:
    class Pooling(nn.Module):
        def forward(self, x: Tensor, last: Tensor) -> Tensor:
            return x.gather(1, last.unsqueeze(-1).repeat(1, 1, WIDTH))  # here

    return run(Pooling())
