"""A function, no module."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.models.example import Example


def distance(left: Tensor, right: Tensor) -> Tensor:
    """Distances between all pairs of rows."""
    return (left[:, None] - right[None]).pow(2).sum(-1).sqrt()


def example() -> Example:
    return Example(distance, (torch.randn(3, 8), torch.randn(4, 8)))
