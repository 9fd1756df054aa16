"""Hooks of the model's own that compute, replace inputs and replace results."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tests.models.example import Example


def double(_module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Replace the inputs."""
    return tuple(arg * 2 for arg in args)


def clip(_module: nn.Module, _args: Any, result: Tensor) -> Tensor:
    """Replace the result."""
    return result.clamp(-1, 1)


def example() -> Example:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    model[0].register_forward_pre_hook(double)
    model[1].register_forward_hook(clip)
    return Example(model.eval(), torch.randn(2, 8))
