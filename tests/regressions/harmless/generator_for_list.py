"""Layers yield what they made instead of filling a list."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            made = [x]
            for layer in self.layers:
                made.append(layer(made[-1]))
            return torch.stack(made, 1)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def states(self, x: Tensor) -> Iterator[Tensor]:
            yield x
            for layer in self.layers:
                x = layer(x)
                yield x

        def forward(self, x: Tensor) -> Tensor:
            return torch.stack(tuple(self.states(x)), dim=1)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
