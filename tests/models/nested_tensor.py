"""Rows of different lengths in one tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Ragged(nn.Module):
    """Makes a jagged tensor, works on it, pads it."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        ragged = torch.nested.nested_tensor([one, other], layout=torch.jagged)
        return torch.nested.to_padded_tensor(torch.relu(self.mix(ragged)), 0.0)


def example() -> Example:
    return Example(Ragged().eval(), (torch.randn(3, 8), torch.randn(5, 8)))
