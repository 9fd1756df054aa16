"""Parameters are gathered from all ranks even where there is only one: pytorch#160135."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told
from tests.regressions.process_group import all_gather_single, let_go, process_group

TOLD = Told(cause="communication", module="layers.* ×3")
WITHIN = process_group


class Sharded(nn.Module):
    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.always = always
        self.shard = nn.Parameter(torch.randn(WIDTH, WIDTH) / WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        weight: Tensor = self.shard
        if self.always or distributed.get_world_size() > 1:
            weight = torch.empty_like(self.shard)
            all_gather_single(weight, self.shard)  # here
            let_go(weight)
        return x @ weight


class Model(nn.Module):
    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Sharded(always=always) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def before() -> Run:
    return Run(model=Model(always=False), args=torch.randn(4, WIDTH), grad=False)


def after() -> Run:
    return Run(model=Model(always=True), args=torch.randn(4, WIDTH), grad=False)
