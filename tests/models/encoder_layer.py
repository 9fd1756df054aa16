"""The encoder layer of torch, which has a fast path of its own in eval mode."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    return Example(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval(), torch.randn(2, 5, 16))
