"""A list of scores is concatenated that holds but one tensor: the contrastive losses of sentence-transformers 5."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.pair import Run, Told

TOLD = Told(cause="extra-copy", module="the model")
BATCH, WIDTH = 4, 16


class Contrastive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(WIDTH, WIDTH)

    def similarities(self, queries: Tensor, documents: Tensor) -> list[Tensor]:
        return [self.encoder(queries) @ self.encoder(documents).T * 20]


def run(model: nn.Module) -> Run:
    return Run(model=model, args=(torch.randn(BATCH, WIDTH), torch.randn(BATCH, WIDTH)), backward=torch.sum)


def before() -> Run:
    class Loss(Contrastive):
        def forward(self, queries: Tensor, documents: Tensor) -> Tensor:
            (scores,) = self.similarities(queries, documents)
            return functional.cross_entropy(scores, torch.arange(BATCH))

    return run(Loss())


def after() -> Run:
    class Loss(Contrastive):
        def forward(self, queries: Tensor, documents: Tensor) -> Tensor:
            scores = torch.cat(self.similarities(queries, documents), dim=1)  # here
            return functional.cross_entropy(scores, torch.arange(BATCH))

    return run(Loss())
