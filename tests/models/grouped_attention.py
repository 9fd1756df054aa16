"""Fewer keys than queries, with and without a mask, scaled by hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.example import Example


class Grouped(nn.Module):
    """Three attention calls that differ only in their arguments."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        attend = functional.scaled_dot_product_attention
        plain = attend(q, k, v, enable_gqa=True)
        masked = attend(q, k, v, attn_mask=mask, enable_gqa=True)
        return plain + masked + attend(q, k, v, is_causal=True, scale=0.5, enable_gqa=True)


def example() -> Example:
    q, k, v = torch.randn(2, 4, 6, 8), torch.randn(2, 2, 6, 8), torch.randn(2, 2, 6, 8)
    return Example(Grouped().eval(), (q, k, v, torch.zeros(6, 6)))
