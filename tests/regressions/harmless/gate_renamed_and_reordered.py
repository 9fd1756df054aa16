"""The two sides of a gate have other names, are called in another order, and are multiplied the other way round."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="w3")


class Before(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w1, self.w3 = (nn.Linear(WIDTH, 2 * WIDTH, bias=False) for _ in range(2))
        self.w2 = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = self.w2(silu(self.w1(x)) * self.w3(x))
        return gated


class After(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(WIDTH, 2 * WIDTH, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up_proj(x)
        gated: Tensor = self.down_proj(up * silu(self.gate_proj(x)))
        return gated


def before() -> Run:
    return Run(model=Before(), args=torch.randn(2, 6, WIDTH))


def after() -> Run:
    return Run(model=After(), args=torch.randn(2, 6, WIDTH))
