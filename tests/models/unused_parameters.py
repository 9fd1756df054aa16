"""Parameters, buffers and inputs that nothing reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Partly(nn.Module):
    """Uses half of what it owns."""

    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(8, 8)
        self.unused = nn.Linear(8, 8)
        self.register_buffer("table", torch.zeros(16))

    def forward(self, x: Tensor, _ignored: Tensor) -> Tensor:
        return self.used(x)


def example() -> Example:
    return Example(Partly().eval(), (torch.randn(2, 8), torch.randn(3)))
