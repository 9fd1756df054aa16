"""Gathered parameters are kept for the backward pass instead of being gathered again: torchtitan#1547."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told
from tests.regressions.process_group import all_gather_single, let_go, process_group

TOLD = Told(cause="gathered-once", module="backward layers.* ×3")
WITHIN = process_group


class Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, shard: Tensor) -> Tensor:
        weight = torch.empty_like(shard)  # here
        all_gather_single(weight, shard)
        let_go(weight)
        return weight

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> Tensor:
        return grads[0]


class Sharded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shard = nn.Parameter(torch.randn(WIDTH, WIDTH) / WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x @ Gather.apply(self.shard)


class Model(nn.Module):
    def __init__(self, *, reshard: bool) -> None:
        super().__init__()
        self.reshard = reshard
        self.layers = nn.ModuleList(Sharded() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False) if self.reshard else layer(x)
        return x


def run(*, reshard: bool) -> Run:
    model = Model(reshard=reshard)
    return Run(model=model, args=torch.randn(4, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(reshard=True)


def after() -> Run:
    return run(reshard=False)
