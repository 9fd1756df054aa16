"""A dataclass as result of a module and of its child."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.example import Example


@dataclass
class Output:
    """What the model returns."""

    mean: Tensor
    scale: Tensor | None = None


class Inner(nn.Module):
    """Returns a dataclass to its parent."""

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Output:
        mean, scale = self.both(x).chunk(2, -1)
        return Output(mean, functional.softplus(scale))


class Outer(nn.Module):
    """Reads one dataclass and returns another."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()

    def forward(self, x: Tensor) -> Output:
        out = self.inner(x)
        assert out.scale is not None
        return Output(mean=out.mean * out.scale)


def example() -> Example:
    return Example(Outer().eval(), torch.randn(2, 8))
