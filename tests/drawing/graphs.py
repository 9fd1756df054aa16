"""Graphs that the pictures of these tests show."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph, expanded

LAYERS = 6


class Layer(nn.Module):
    def __init__(self, *, copies: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.linear = nn.Linear(8, 8)
        self.copies = copies

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.linear(self.norm(x))
        return x + (inner.clone() if self.copies else inner)


class Model(nn.Module):
    def __init__(self, *, copies: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Layer(copies=copies) for _ in range(LAYERS)))
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.layers(x)))


@cache
def forward(*, copies: bool = False) -> Graph:
    return trace(Model(copies=copies).eval(), torch.randn(4, 8))


@cache
def step() -> Graph:
    model = Model()
    return trace(model, torch.randn(4, 8), backward=True, optimizer=torch.optim.Adam(model.parameters()), timing=True)


@cache
def from_file() -> Graph:
    return expanded(step().canonical)
