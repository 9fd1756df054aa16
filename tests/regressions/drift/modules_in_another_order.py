"""What scales the values of a layer comes after its projection instead of before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="other-order", module="layers.* ×4", gradients=False)


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.amount = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.amount  # here


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.linear = Scale(), nn.Linear(WIDTH, WIDTH, bias=False)


class Scaled(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return x + self.linear(self.scale(x))


class Projected(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale(self.linear(x))  # here


class Model(nn.Module):
    def __init__(self, layer: type[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(layer() for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def run(layer: type[nn.Module]) -> Run:
    return Run(model=Model(layer), args=torch.randn(2, 16, WIDTH))


def before() -> Run:
    return run(Scaled)


def after() -> Run:
    return run(Projected)
