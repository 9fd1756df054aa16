"""A loop inside the graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._higher_order_ops.while_loop import while_loop

from tests.models.example import Example


class Looping(nn.Module):
    """Halves until the sum is small."""

    def forward(self, x: Tensor) -> Tensor:
        _, result = while_loop(
            lambda step, _value: step < 3, lambda step, value: (step + 1, value * 0.5), (torch.tensor(0), x)
        )
        return result


def example() -> Example:
    return Example(Looping().eval(), torch.ones(2, 8))
