"""The number that scores are filled with is put into a tensor first, as DeBERTa did it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="tensor-for-number", module="scores")


class Scores(nn.Module):
    def __init__(self, *, as_tensor: bool) -> None:
        super().__init__()
        self.as_tensor = as_tensor

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        least = torch.finfo(x.dtype).min
        fill = torch.tensor(least) if self.as_tensor else least
        return x.masked_fill(hidden, fill).softmax(-1)  # here


class Model(nn.Module):
    def __init__(self, *, as_tensor: bool) -> None:
        super().__init__()
        self.scores = Scores(as_tensor=as_tensor)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x @ x.T, x[:, 0] > 0)


def before() -> Run:
    return Run(model=Model(as_tensor=False), args=torch.randn(8, WIDTH))


def after() -> Run:
    return Run(model=Model(as_tensor=True), args=torch.randn(8, WIDTH))
