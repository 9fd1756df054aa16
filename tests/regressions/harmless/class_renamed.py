"""A class has another name, and its body is the same."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="mlp")


class Body(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 2 * WIDTH)
        self.down = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.up(x).relu())


def run(mlp: nn.Module) -> Run:
    model = nn.Sequential()
    model.add_module("mlp", mlp)
    return Run(model=model, args=torch.randn(2, WIDTH))


def before() -> Run:
    class Mlp(Body):
        pass

    return run(Mlp())


def after() -> Run:
    class FeedForward(Body):
        pass

    return run(FeedForward())
