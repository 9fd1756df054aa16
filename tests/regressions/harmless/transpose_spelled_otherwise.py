"""``.T``, ``.mT``, ``permute`` and ``swapaxes`` for ``transpose``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Weights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(WIDTH, WIDTH))


def run(model: nn.Module) -> Run:
    return Run(model=model, args=torch.randn(2, 8, WIDTH))


def before() -> Run:
    class Model(Weights):
        def forward(self, x: Tensor) -> Tensor:
            scores = x @ x.transpose(1, 2)
            return (scores @ x).transpose(0, 1) @ self.weight.transpose(0, 1)

    return run(Model())


def after() -> Run:
    class Model(Weights):
        def forward(self, x: Tensor) -> Tensor:
            scores = x @ x.mT
            return (scores @ x).permute(1, 0, 2) @ self.weight.T

    return run(Model())
