"""Experts that a router calls, in the order of the data."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Moe(nn.Module):
    """Every token goes to its two best experts."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(8, 4)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.SiLU(), nn.Linear(16, 8)) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        weights, chosen = self.router(x).softmax(-1).topk(2, -1)
        out = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            rows, places = torch.where(chosen == number)
            if rows.numel():
                out.index_add_(0, rows, expert(x[rows]) * weights[rows, places, None])
        return out


def example() -> Example:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Example(Moe().eval(), torch.randn(6, 8))
