"""A causal mask is made in each call and added, which was a buffer to choose by: GPT-J in transformers 4.42."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import LENGTH, WIDTH, Projections
from tests.regressions.pair import Run, Told

TOLD = Told(cause="table-computed", module="the model")
MOST = 64
LEAST = torch.finfo(torch.float32).min


class Held(Projections):
    allowed: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("allowed", torch.ones(MOST, MOST, dtype=torch.bool).tril()[None, None], persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = self.split(x)
        scores = torch.where(self.allowed[:, :, :LENGTH, :LENGTH], q @ k.mT / 8, torch.full([], LEAST))
        return self.merge(scores.softmax(-1) @ v)


class Added(Projections):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.split(x)
        return self.merge((q @ k.mT / 8 + mask).softmax(-1) @ v)


class Model(nn.Module):
    def __init__(self, attention: type[nn.Module], *, masks: bool) -> None:
        super().__init__()
        self.masks = masks
        self.layers = nn.ModuleList(attention() for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        mask = None
        if self.masks:
            mask = torch.full((LENGTH, LENGTH), LEAST).triu(1)  # here
        for layer in self.layers:
            x = layer(x, mask)
        return x


def run(attention: type[nn.Module], *, masks: bool) -> Run:
    return Run(model=Model(attention, masks=masks), args=torch.randn(2, LENGTH, WIDTH), grad=False)


def before() -> Run:
    return run(Held, masks=False)


def after() -> Run:
    return run(Added, masks=True)
