"""The type of each token is gathered from a buffer by position, where a slice of it was read."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="looked-up", module="embeddings")
MOST, LENGTH = 32, 8


class Embeddings(nn.Module):
    types: Tensor
    positions: Tensor

    def __init__(self, *, gathered: bool) -> None:
        super().__init__()
        self.register_buffer("types", torch.zeros(1, MOST, dtype=torch.long))
        self.register_buffer("positions", torch.arange(MOST)[None])
        self.of_type, self.gathered = nn.Embedding(2, WIDTH), gathered

    def forward(self, x: Tensor) -> Tensor:
        positions = self.positions[:, : x.shape[1]]
        types = self.types[:, : x.shape[1]]
        if self.gathered:
            types = torch.gather(self.types, dim=1, index=positions)  # here
        embedded: Tensor = x + self.of_type(types)
        return embedded


class Model(nn.Module):
    def __init__(self, *, gathered: bool) -> None:
        super().__init__()
        self.embeddings, self.linear = Embeddings(gathered=gathered), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.linear(self.embeddings(x))
        return found


def run(*, gathered: bool) -> Run:
    return Run(model=Model(gathered=gathered), args=torch.randn(2, LENGTH, WIDTH), backward=torch.sum)


def before() -> Run:
    return run(gathered=False)


def after() -> Run:
    return run(gathered=True)
