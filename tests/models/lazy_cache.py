"""A cache built on the first call and read ever after."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Cached(nn.Module):
    """Attention scores with a bias like ALiBi's, kept for the longest length seen."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)
        self.bias: Tensor | None = None

    def distances(self, length: int) -> Tensor:
        """Negative distances between positions."""
        if self.bias is None or self.bias.shape[0] < length:
            places = torch.arange(length)
            self.bias = -(places[:, None] - places[None, :]).abs().float()
        return self.bias[:length, :length]

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(x)
        scores = y @ y.mT + self.distances(x.shape[1])
        return scores.softmax(-1) @ y


def example() -> Example:
    return Example(Cached().eval(), torch.randn(2, 5, 8))
