"""Linear, activation, linear."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    return Example(nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 4)).eval(), torch.randn(2, 8))
