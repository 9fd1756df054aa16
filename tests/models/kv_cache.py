"""Tokens one by one, with keys and values of those before."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.example import Example


class Decoder(nn.Module):
    """Writes into a cache of fixed size, reads a growing part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.register_buffer("keys", torch.zeros(1, 4, 8), persistent=False)
        self.register_buffer("values", torch.zeros(1, 4, 8), persistent=False)

    def step(self, x: Tensor, place: int) -> Tensor:
        """One token."""
        query, key, value = self.qkv(x).chunk(3, -1)
        keys, values = self.get_buffer("keys"), self.get_buffer("values")
        keys[:, place : place + 1] = key
        values[:, place : place + 1] = value
        return functional.scaled_dot_product_attention(query, keys[:, : place + 1], values[:, : place + 1])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.step(x[:, place : place + 1], place) for place in range(4)], 1)


def example() -> Example:
    return Example(Decoder().eval(), torch.randn(1, 4, 8))
