"""Cosines and sines of positions are computed in each call, which were read from a buffer of all positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="table-computed", module="rotary")
MOST = 64


def angles(positions: Tensor) -> Tensor:
    frequencies = 10000.0 ** (-torch.arange(WIDTH // 2) / (WIDTH // 2))
    return positions[:, None].float() * frequencies


class Held(nn.Module):
    cosines: Tensor
    sines: Tensor

    def __init__(self) -> None:
        super().__init__()
        table = angles(torch.arange(MOST))
        self.register_buffer("cosines", table.cos(), persistent=False)
        self.register_buffer("sines", table.sin(), persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        return self.cosines[positions], self.sines[positions]


class Computed(nn.Module):
    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        table = angles(positions)
        return table.cos(), table.sin()  # here


class Model(nn.Module):
    def __init__(self, rotary: nn.Module) -> None:
        super().__init__()
        self.rotary, self.linear = rotary, nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        cosines, sines = self.rotary(positions)
        left, right = self.linear(x).chunk(2, -1)
        return torch.cat([left * cosines - right * sines, right * cosines + left * sines], -1)


def run(rotary: nn.Module) -> Run:
    return Run(model=Model(rotary), args=(torch.randn(8, WIDTH), torch.arange(8)))


def before() -> Run:
    return run(Held())


def after() -> Run:
    return run(Computed())
