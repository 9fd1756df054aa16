"""Tuples, named tuples and lists inside each other, from a child and from the root."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Pair(NamedTuple):
    """A named tuple."""

    left: Tensor
    right: Tensor


class Child(nn.Module):
    """Returns a tree."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> tuple[Pair, list[Tensor]]:
        y = self.mix(x)
        return Pair(y[:, :4], y[:, 4:]), [x, y.relu()]


class Root(nn.Module):
    """Rearranges the tree."""

    def __init__(self) -> None:
        super().__init__()
        self.child = Child()

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[tuple[Tensor, ...], Pair]]:
        pair, (given, made) = self.child(x)
        return given + made, ((pair.left,), Pair(pair.right, made))


def example() -> Example:
    return Example(Root().eval(), torch.randn(2, 8))
