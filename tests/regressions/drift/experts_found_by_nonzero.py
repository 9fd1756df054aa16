"""Each expert asks the host which tokens are its own, instead of computing all: Mixtral, minimind#835, #837."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="moe")
EXPERTS = 4


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.experts = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(EXPERTS))


class Model(nn.Module):
    def __init__(self, moe: nn.Module) -> None:
        super().__init__()
        self.moe = moe

    def forward(self, x: Tensor) -> Tensor:
        return x + self.moe(x)


def before() -> Run:
    class SparseExperts(Experts):
        def forward(self, x: Tensor) -> Tensor:
            weights = self.router(x).softmax(-1)
            best = weights.argmax(-1)
            made = torch.zeros_like(x)
            for number, expert in enumerate(self.experts):
                share = torch.where(best == number, weights[:, number], 0.0)
                made = made + expert(x) * share[:, None]
            return made

    return Run(model=Model(SparseExperts()), args=torch.randn(24, WIDTH), grad=False)


def after() -> Run:
    class SparseExperts(Experts):
        def forward(self, x: Tensor) -> Tensor:
            weights = self.router(x).softmax(-1)
            best = weights.argmax(-1)
            made = torch.zeros_like(x)
            for number, expert in enumerate(self.experts):
                (mine,) = torch.where(best == number)  # here
                made.index_add_(0, mine, expert(x[mine]) * weights[mine, number, None])
            return made

    return Run(model=Model(SparseExperts()), args=torch.randn(24, WIDTH), grad=False)
