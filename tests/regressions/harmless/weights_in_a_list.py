"""Parameters of their own names are held in an nn.ParameterList, and read as before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="moved-module", module="first", status="note")


def run(model: nn.Module) -> Run:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, foreach=True)
    return Run(model=model, args=torch.ones(2, WIDTH), backward=torch.mean, optimizer=optimizer)


def before() -> Run:
    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Parameter(torch.randn(WIDTH, WIDTH))
            self.second = nn.Parameter(torch.randn(WIDTH, WIDTH))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.first).relu() @ self.second

    return run(Mlp())


def after() -> Run:
    class Mlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterList([torch.randn(WIDTH, WIDTH) for _ in range(2)])

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.weights[0]).relu() @ self.weights[1]

    return run(Mlp())
