"""A gated recurrent unit."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    return Example(nn.GRU(8, 16, batch_first=True).eval(), torch.randn(2, 5, 8))
