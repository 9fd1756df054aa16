"""A normalization whose parameters are set by its first batch, which a plain flag remembers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class ActNorm(nn.Module):
    """Shifts and scales each feature to what the first batch had."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))
        self.initialized = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.initialized:
            with torch.no_grad():
                self.shift.copy_(-x.mean(0))
                self.scale.copy_(1 / (x.std(0) + 1e-6))
            self.initialized = True
        return (x + self.shift) * self.scale


def example() -> Example:
    return Example(nn.Sequential(ActNorm(4), nn.Linear(4, 4), ActNorm(4)).train(), 3 * torch.randn(8, 4) + 1)
