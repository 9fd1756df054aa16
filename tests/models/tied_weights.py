"""One parameter under two names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Tied(nn.Module):
    """The head reads the embedding's table."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(32, 8)
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 32, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.head(torch.tanh(self.mix(self.embed(words))))


def example() -> Example:
    return Example(Tied().eval(), torch.randint(0, 32, (2, 5)))
