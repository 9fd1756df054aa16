"""Sparse matrices in two layouts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Spread(nn.Module):
    """One step of a graph network on a sparse adjacency."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, adjacency: Tensor, x: Tensor) -> Tensor:
        x = torch.sparse.mm(adjacency, self.mix(x))
        return adjacency.coalesce().to_dense() @ x


def example() -> Example:
    places = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 1]])
    return Example(Spread().eval(), (torch.sparse_coo_tensor(places, torch.ones(4), (3, 3)), torch.randn(3, 8)))
