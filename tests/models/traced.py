"""A model that ``torch.jit.trace`` made."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    return Example(torch.jit.trace(model, torch.randn(2, 8)), torch.randn(2, 8))
