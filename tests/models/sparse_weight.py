"""A sparse parameter that learns, and a sparse buffer that is written in place and grows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Sparse(nn.Module):
    """Mixes by a sparse weight; counts where it was used."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(4).to_sparse())
        self.register_buffer("seen", torch.zeros(4, 4).to_sparse())

    def forward(self, x: Tensor) -> Tensor:
        self.seen.add_(self.weight.detach())
        return torch.sparse.mm(self.weight, x)


def example() -> Example:
    return Example(Sparse().train(), torch.randn(4, 2))
