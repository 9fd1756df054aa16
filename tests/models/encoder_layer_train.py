"""The same layer in training mode: dropout, and no fast path."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    return Example(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).train(), torch.randn(2, 5, 16))
