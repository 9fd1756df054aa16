"""Blocks with one activation each, no longer with one between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="shared-module", module="blocks.1")


class Block(nn.Module):
    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.up, self.act = nn.Linear(WIDTH, WIDTH), act

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = x + self.act(self.up(x))
        return made


class Model(nn.Module):
    def __init__(self, *, shared: bool) -> None:
        super().__init__()
        act = nn.SiLU()
        self.blocks = nn.Sequential(*(Block(act if shared else nn.SiLU()) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.blocks(x)
        return made


def before() -> Run:
    return Run(model=Model(shared=True), args=torch.randn(2, WIDTH))


def after() -> Run:
    return Run(model=Model(shared=False), args=torch.randn(2, WIDTH))
