"""Attention with a score function of the user's."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import flex_attention

from tests.models.example import Example


def nearer(score: Tensor, _batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """Prefers what is near."""
    return score - (query - key).abs()


class Flexible(nn.Module):
    """Flex attention, not compiled."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        out = flex_attention(q, k, v, score_mod=nearer)
        assert isinstance(out, torch.Tensor)
        return out


def example() -> Example:
    return Example(Flexible().eval(), (torch.randn(1, 2, 16, 8), torch.randn(1, 2, 16, 8), torch.randn(1, 2, 16, 8)))
