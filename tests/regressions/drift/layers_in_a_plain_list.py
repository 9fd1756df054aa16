"""Layers are kept in a list of Python's instead of an nn.ModuleList: they run, and are the model's no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="unregistered", module="Linear")


class Model(nn.Module):
    def __init__(self, hold: Callable[[list[nn.Module]], Iterable[Any]]) -> None:
        super().__init__()
        self.layers = hold([nn.Linear(WIDTH, WIDTH) for _ in range(3)])
        self.head = nn.Linear(WIDTH, 4)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x).relu()  # here
        return self.head(x)


def before() -> Run:
    return Run(model=Model(nn.ModuleList), args=torch.ones(2, WIDTH))


def after() -> Run:
    return Run(model=Model(list), args=torch.ones(2, WIDTH))
