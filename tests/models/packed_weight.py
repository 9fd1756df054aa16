"""A weight that the first call packs, in the parameter's memory and in an object that hangs on the parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tests.models.example import Example


@dataclass
class Packing:
    """How a weight is packed."""

    scale: Tensor
    packed: bool = False


class Packed(nn.Module):
    """A linear layer whose weight becomes whole numbers in its first call."""

    def __init__(self) -> None:
        super().__init__()
        weight: Any = nn.Parameter(torch.randn(4, 8))
        weight.packing = Packing(torch.ones(4, 1))
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        weight: Any = self.weight
        if not weight.packing.packed:
            scale = weight.detach().abs().amax(1, keepdim=True) / 127
            weight.data = (weight.detach() / scale).round()
            weight.packing = Packing(scale, packed=True)
        return x @ (weight * weight.packing.scale).T


def example() -> Example:
    return Example(Packed().eval(), torch.randn(2, 8))
