"""A plain recurrent network of two layers."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    return Example(nn.RNN(8, 16, num_layers=2, batch_first=True).eval(), torch.randn(2, 5, 8))
