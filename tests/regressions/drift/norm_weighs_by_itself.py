"""A norm is a module inside another one that weighs what it makes: x-transformers 1.40."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="unfused", module="layers.*.norm ×4")


class Weighted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))
        self.beta = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, (WIDTH,), self.gamma, self.beta)


class Around(Weighted):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.LayerNorm(WIDTH, elementwise_affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) * self.gamma + self.beta  # here


class Layer(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.linear = norm, nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.linear(self.norm(x))


class Model(nn.Module):
    def __init__(self, norm: type[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Layer(norm()) for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def run(norm: type[nn.Module]) -> Run:
    return Run(model=Model(norm), args=torch.randn(2, 16, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(Weighted)


def after() -> Run:
    return run(Around)
