"""Empty tensors, scalars, and dimensions broadcast by stride zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Empty(nn.Module):
    """Works on nothing, and on one number."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor, none: Tensor) -> Tensor:
        grown = torch.cat([self.mix(x), self.mix(none)])
        return grown * self.scale + torch.tensor(1.0).expand(2, 8)


def example() -> Example:
    return Example(Empty().eval(), (torch.randn(2, 8), torch.randn(0, 8)))
