"""Arguments by keyword, left out, and no tensors at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Keywords(nn.Module):
    """Positional, keyword-only and optional arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor, mask: Tensor | None = None, *, scale: float = 1.0, mode: str = "sum") -> Tensor:
        x = self.mix(x) * scale
        if mask is not None:
            x = x.masked_fill(mask, 0.0)
        return x.sum(-1) if mode == "sum" else x.mean(-1)


def example() -> Example:
    return Example(Keywords().eval(), torch.randn(2, 8), {"mask": torch.zeros(2, 8, dtype=torch.bool), "mode": "mean"})
