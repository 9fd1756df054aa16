"""Multi-head attention with a mask and averaged weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Attending(nn.Module):
    """Self-attention, cross-attention."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.MultiheadAttention(16, 4, batch_first=True)
        self.cross = nn.MultiheadAttention(16, 2, kdim=8, vdim=8, batch_first=True)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x, _ = self.own(x, x, x, attn_mask=mask, need_weights=False)
        out, weights = self.cross(x, memory, memory)
        return out, weights


def example() -> Example:
    mask = torch.ones(5, 5, dtype=torch.bool).triu(1)
    return Example(Attending().eval(), (torch.randn(2, 5, 16), torch.randn(2, 7, 8), mask))
