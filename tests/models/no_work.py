"""No operation at all: the input is the output."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    return Example(nn.Sequential(nn.Identity(), nn.Dropout(0.5)).eval(), torch.randn(2, 8))
