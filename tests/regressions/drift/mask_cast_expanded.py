"""Pooling casts its mask after that is expanded to every feature: sentence-transformers until 5.2."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(cause="expanded-before", module="pooling")
LENGTH, WIDTH = 6, 32


class Encoder(nn.Module):
    def __init__(self, pooling: nn.Module) -> None:
        super().__init__()
        self.embedding, self.pooling = nn.Embedding(8, WIDTH), pooling

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        pooled: Tensor = self.pooling(self.embedding(ids), mask)
        return pooled


def run(pooling: nn.Module) -> Run:
    ids = torch.arange(2 * LENGTH).view(2, LENGTH) % 8
    return Run(model=Encoder(pooling), args=(ids, torch.ones_like(ids)), backward=torch.sum)


def before() -> Run:
    class Pooling(nn.Module):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            kept = mask.unsqueeze(-1).to(x.dtype)
            return (x * kept).sum(1) / kept.sum(1).clamp(min=1e-9)

    return run(Pooling())


def after() -> Run:
    class Pooling(nn.Module):
        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            kept = mask.unsqueeze(-1).expand(x.shape).to(x.dtype)  # here
            return (x * kept).sum(1) / kept.sum(1).clamp(min=1e-9)

    return run(Pooling())
