"""A module called with weights from elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.models.example import Example


class Hyper(nn.Module):
    """One network makes the weights of another."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = nn.Linear(8, 8 * 8 + 8)
        self.made = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        flat = self.maker(x.mean(0))
        return functional_call(self.made, {"weight": flat[:64].view(8, 8), "bias": flat[64:]}, (x,))


def example() -> Example:
    return Example(Hyper().eval(), torch.randn(2, 8))
