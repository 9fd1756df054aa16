"""A graph module of torch.fx."""

from __future__ import annotations

import torch
from torch import fx, nn

from tests.models.example import Example


def example() -> Example:
    return Example(
        fx.symbolic_trace(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).eval()), torch.randn(2, 8)
    )
