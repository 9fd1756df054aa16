"""A ResNet-50, narrow: runs of equal blocks of different lengths."""

from __future__ import annotations

import torch

from tests.models.example import Example
from tests.models.resnet import resnet50


def example() -> Example:
    return Example(resnet50(width=8, classes=10).eval(), torch.randn(1, 3, 64, 64))
