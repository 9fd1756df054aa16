"""Inference mode for a part of the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Frozen(nn.Module):
    """A backbone under inference mode, a head outside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 8))
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.inference_mode():
            features = self.backbone(x)
        return self.head(features.clone())


def example() -> Example:
    return Example(Frozen().eval(), torch.randn(2, 3, 8, 8))
