"""What the pairs have around the part that changes: layers in a row, an embedding, a head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

WIDTH = 32
HEADS = 4
LENGTH = 16
WORDS = 64


class Layer(nn.Module):
    """A part with a residual connection and a norm before it."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = attention

    def forward(self, x: Tensor, *rest: Any) -> Tensor:
        return x + self.attention(self.norm(x), *rest)


class Decoder(nn.Module):
    """Four layers with *part* in each; everything after the tokens is handed on to the parts."""

    def __init__(self, part: Callable[[], nn.Module], layers: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.layers = nn.ModuleList(Layer(part()) for _ in range(layers))
        self.head = nn.Linear(WIDTH, WORDS, bias=False)

    def forward(self, tokens: Tensor, *rest: Any) -> Tensor:
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x, *rest)
        return self.head(x)


class Projections(nn.Module):
    """Queries, keys and values of *heads* heads, and what comes after attention; subclasses attend."""

    def __init__(self, groups: int = HEADS) -> None:
        super().__init__()
        size = WIDTH // HEADS
        self.q = nn.Linear(WIDTH, WIDTH)
        self.k = nn.Linear(WIDTH, groups * size)
        self.v = nn.Linear(WIDTH, groups * size)
        self.out = nn.Linear(WIDTH, WIDTH)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values as ``[batch, heads, length, size]``, views of what the projections made."""
        size = WIDTH // HEADS
        q, k, v = (linear(x).unflatten(-1, (-1, size)).transpose(1, 2) for linear in (self.q, self.k, self.v))
        return q, k, v

    def merge(self, x: Tensor) -> Tensor:
        """Heads side by side again, projected."""
        return self.out(x.transpose(1, 2).flatten(2))


def tokens(batch: int = 2, length: int = LENGTH) -> Tensor:
    """Token numbers."""
    return torch.randint(0, WORDS, (batch, length))
