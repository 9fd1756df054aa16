"""One more operation at every call: there is no steady state to record."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Growing(nn.Module):
    """Counts its calls and works once for each."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        for _ in range(self.calls):
            x = x.sin()
        return self.mix(x)


def example() -> Example:
    return Example(Growing().eval(), torch.randn(2, 8))
