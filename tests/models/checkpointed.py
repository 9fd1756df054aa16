"""A part whose activations are computed again in the backward pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.models.example import Example


class Checkpointed(nn.Module):
    """Keeps only the input of its middle."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(8, 8)
        self.middle = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 8))
        self.after = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        x = checkpoint(self.middle, x, use_reentrant=False)
        return self.after(x)


def example() -> Example:
    return Example(Checkpointed().train(), torch.randn(2, 8))
