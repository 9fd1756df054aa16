"""A tensor of a class of the user's."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.example import Example


class Tagged(torch.Tensor):
    """Nothing but a name of its own."""


def example() -> Example:
    return Example(nn.Sequential(nn.Linear(8, 8), nn.ReLU()).eval(), torch.randn(2, 8).as_subclass(Tagged))
