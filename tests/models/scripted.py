"""A model that was scripted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Scripted(nn.Module):
    """A loop and a branch that the script keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor, steps: int = 2) -> Tensor:
        for _ in range(steps):
            x = torch.relu(self.mix(x))
        return x


def example() -> Example:
    return Example(torch.jit.script(Scripted().eval()), torch.randn(2, 8))
