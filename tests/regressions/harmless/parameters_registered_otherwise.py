"""Modules are registered in another order, and called as before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    up: nn.Module
    down: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.up(x).relu())


def run(model: nn.Module) -> Run:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, foreach=True)
    return Run(model=model, args=torch.randn(2, WIDTH), backward=torch.mean, optimizer=optimizer)


def before() -> Run:
    class Mlp(Parts):
        def __init__(self) -> None:
            super().__init__()
            self.up = nn.Linear(WIDTH, WIDTH)
            self.down = nn.Linear(WIDTH, WIDTH)

    return run(Mlp())


def after() -> Run:
    class Mlp(Parts):
        def __init__(self) -> None:
            super().__init__()
            up, down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
            self.down, self.up = down, up

    return run(Mlp())
