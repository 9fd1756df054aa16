"""Adapters are kept in float32, and every wrapped linear layer upcasts its input for them: peft#1706, AgileRL#623."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="upcast", module="layers.* ×4", atol=2e-2)


class Adapted(nn.Module):
    def __init__(self, *, full: bool) -> None:
        super().__init__()
        self.base = nn.Linear(WIDTH, WIDTH).bfloat16().requires_grad_(False)
        self.down = nn.Linear(WIDTH, 4, bias=False)
        self.up = nn.Linear(4, WIDTH, bias=False)
        self.full = full

    def forward(self, x: Tensor) -> Tensor:
        made = self.base(x)
        read = x.to(self.down.weight.dtype) if self.full else x  # here
        return made + self.up(self.down(read)).to(made.dtype)


class Model(nn.Module):
    def __init__(self, *, full: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Adapted(full=full) for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.layers(x)


def run(*, full: bool) -> Run:
    x = torch.randn(2, 64, WIDTH, dtype=torch.bfloat16)
    return Run(model=Model(full=full), args=x, backward=lambda made: made.float().mean())


def before() -> Run:
    return run(full=False)


def after() -> Run:
    return run(full=True)
