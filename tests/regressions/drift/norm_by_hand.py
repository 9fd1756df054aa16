"""A norm is written out instead of being one fused operation: transformers#14656, #42461."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="unfused", module="layers.*.norm ×4", atol=1e-5)


class Layer(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.linear(self.norm(x))


class Model(nn.Module):
    def __init__(self, norm: type[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Layer(norm(WIDTH)) for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def run(norm: type[nn.Module]) -> Run:
    return Run(model=Model(norm), args=torch.randn(2, 16, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(nn.LayerNorm)


def after() -> Run:
    class LayerNorm(nn.LayerNorm):
        def forward(self, x: Tensor) -> Tensor:
            centred = x - x.mean(-1, keepdim=True)  # here
            variance = centred.pow(2).mean(-1, keepdim=True)
            return self.weight * (centred * torch.rsqrt(variance + self.eps)) + self.bias

    return run(LayerNorm)
