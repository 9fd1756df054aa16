"""Flattening what was transposed is a hidden copy: vllm#24891, #27106, #48137, sglang#25463."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(cause="extra-copy", module="the model")
HEADS, LENGTH, RANK, SIZE = 4, 16, 8, 8


class Weights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(HEADS, RANK, SIZE))


def run(model: nn.Module) -> Run:
    return Run(model=model, args=torch.randn(HEADS, LENGTH, RANK), grad=False)


def before() -> Run:
    class UpProjection(Weights):
        def forward(self, x: Tensor) -> Tensor:
            made = x.new_empty(LENGTH, HEADS * SIZE)
            torch.bmm(x, self.weight, out=made.view(LENGTH, HEADS, SIZE).transpose(0, 1))
            return made

    return run(UpProjection())


def after() -> Run:
    class UpProjection(Weights):
        def forward(self, x: Tensor) -> Tensor:
            made = torch.bmm(x, self.weight)
            return made.transpose(0, 1).flatten(1, 2)  # here

    return run(UpProjection())
