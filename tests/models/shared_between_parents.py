"""One module that two parents own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Parent(nn.Module):
    """Owns a child that is also someone else's."""

    def __init__(self, child: nn.Module) -> None:
        super().__init__()
        self.child = child
        self.own = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.own(torch.relu(self.child(x)))


def example() -> Example:
    child = nn.Linear(8, 8)
    return Example(nn.Sequential(Parent(child), Parent(child)).eval(), torch.randn(2, 8))
