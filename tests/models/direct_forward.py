"""Children called by ``.forward()``, so that no module hook runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Direct(nn.Module):
    """Calls one child as it should, the other directly."""

    def __init__(self) -> None:
        super().__init__()
        self.proper = nn.Linear(8, 8)
        self.direct = nn.Sequential(nn.Linear(8, 8), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.direct.forward(self.proper(x)) + self.proper.forward(x)


def example() -> Example:
    return Example(Direct().eval(), torch.randn(2, 8))
