"""The module of an exported program."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    return Example(torch.export.export(model, (torch.randn(2, 8),)).module(), torch.randn(2, 8))
