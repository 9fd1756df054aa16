"""PyTorch's own modules that take their sizes, and their class, from the first call."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    return Example(nn.Sequential(nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.ReLU()).train(), torch.randn(2, 3, 8))
