"""Weights in half precision, casts in and out, and other dtypes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Half(nn.Module):
    """bfloat16 inside, float32 outside."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8, dtype=torch.bfloat16)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = self.mix(x.bfloat16()).float()
        return y, y.to(torch.float8_e4m3fn).to(torch.float32), (y > 0).to(torch.uint8)


def example() -> Example:
    return Example(Half().eval(), torch.randn(2, 8))
