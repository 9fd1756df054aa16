"""Many views made at once, some of them never read."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Parts(nn.Module):
    """Split, chunk, unbind and their recombination."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        gate, value, _ = self.mix(x).split(8, -1)
        first, _, third = (torch.sigmoid(gate) * value).unbind(1)
        left, right = first.chunk(2, -1)
        return left + right, third, torch.stack([left, right], 1).flatten(1).tensor_split(3, 1)[1]


def example() -> Example:
    return Example(Parts().eval(), torch.randn(2, 3, 8))
