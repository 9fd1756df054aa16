"""Which tokens an expert gets is turned into Python lists and back: Mixtral until transformers 4.44."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="from-python", module="the model")


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(WIDTH, 2)
        self.experts = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(2))

    def rows(self, found: Tensor) -> Tensor | list[int]:
        return found

    def forward(self, x: Tensor) -> Tensor:
        chosen, made = self.router(x).argmax(-1), torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            (found,) = torch.where(chosen == number)
            made.index_add_(0, found, expert(x[self.rows(found)]))  # here
        return made


class Listed(Experts):
    def rows(self, found: Tensor) -> Tensor | list[int]:
        return found.tolist()


def before() -> Run:
    return Run(model=Experts(), args=torch.randn(16, WIDTH), grad=False)


def after() -> Run:
    return Run(model=Listed(), args=torch.randn(16, WIDTH), grad=False)
