"""A mapping of keyword arguments, as a tokenizer returns it, and containers as arguments."""

from __future__ import annotations

from collections import UserDict

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Batch(UserDict):
    """A mapping that is no dict."""


class Reader(nn.Module):
    """Reads tensors from lists and mappings."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(16, 8)

    def forward(self, words: Tensor, sides: list[Tensor], extra: dict[str, Tensor]) -> Tensor:
        x = self.embed(words) + extra["bias"]
        for side in sides:
            x = x * side
        return x


def example() -> Example:
    words = torch.randint(0, 16, (2, 5))
    batch = Batch(words=words, sides=[torch.randn(8), torch.randn(2, 5, 1)], extra={"bias": torch.randn(8)})
    return Example(Reader().eval(), batch)
