"""Norms of channels are one operation each, in layers that no container calls any more: ConvNeXt in transformers 5."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.pair import Run, Told

TOLD = Told(cause="fused", module="stages.*.0 ×3", atol=1e-5)
CHANNELS = 8


class Norm(nn.Module):
    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.weight, self.bias = nn.Parameter(torch.ones(CHANNELS)), nn.Parameter(torch.zeros(CHANNELS))

    def forward(self, x: Tensor) -> Tensor:
        if self.fused:
            moved = x.permute(0, 2, 3, 1)
            normed = functional.layer_norm(moved, (CHANNELS,), self.weight, self.bias, 1e-6)  # here
            return normed.permute(0, 3, 1, 2)
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        normed = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * normed + self.bias[:, None, None]


class Model(nn.Module):
    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.wrapped = not fused
        self.stages = nn.ModuleList(nn.Sequential(Norm(fused=fused), nn.Conv2d(8, 8, 3, padding=1)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            for part in [stage] if self.wrapped else stage.children():
                x = part(x)
        return x


def run(*, fused: bool) -> Run:
    return Run(model=Model(fused=fused), args=torch.randn(2, CHANNELS, 8, 8), grad=False)


def before() -> Run:
    return run(fused=False)


def after() -> Run:
    return run(fused=True)
