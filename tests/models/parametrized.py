"""Weights that are computed at every call."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrizations

from tests.models.example import Example


def example() -> Example:
    normed = parametrizations.weight_norm(nn.Linear(8, 8))
    return Example(nn.Sequential(normed, parametrizations.orthogonal(nn.Linear(8, 8))).eval(), torch.randn(2, 8))
