"""Bags of words with offsets and weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Bag(nn.Module):
    """Sums what each bag holds."""

    def __init__(self) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(16, 8, mode="sum")

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        return self.bag(words, offsets)


def example() -> Example:
    return Example(Bag().eval(), (torch.randint(0, 16, (7,)), torch.tensor([0, 3, 5])))
