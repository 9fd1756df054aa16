"""Attributes of a parameter that hooks write: what came by, and the gradient of each sample."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Observed(nn.Module):
    """Refuses a gradient while that of an earlier pass still hangs on its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 4)
        weight: Any = self.mix.weight
        weight.history = []
        weight.register_hook(self.observe)

    def observe(self, gradient: Tensor) -> None:
        """Write down that *gradient* came by."""
        weight: Any = self.mix.weight
        if hasattr(weight, "grad_sample"):
            raise RuntimeError("gradients haven't been cleared")
        weight.grad_sample = gradient.clone()
        weight.history.append(tuple(gradient.shape))

    def forward(self, x: Tensor) -> Any:
        return self.mix(x)


def example() -> Example:
    return Example(Observed().train(), torch.randn(2, 8))
