"""Batch norm in training mode, which writes its buffers."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    return Example(model.train(), torch.randn(2, 3, 8, 8))
