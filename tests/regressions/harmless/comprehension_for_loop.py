"""A comprehension and ``sum`` of a list for a loop that appends."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(WIDTH, 4) for _ in range(3))


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            made = []
            for head in self.heads:
                made.append(head(x))  # noqa: PERF401
            return torch.cat(made, dim=-1)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([head(x) for head in self.heads], dim=-1)

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
