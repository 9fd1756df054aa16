"""Another memory format from end to end."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


def example() -> Example:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3)).eval()
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    return Example(model, torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last))
