"""Training steps that are exported for viewers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph
from tests.models import MODELS

ODD = 'a "quoted" <b>&amp; \\n name'
"""The name of a module that every format has to escape in a way of its own."""


class Odd(nn.Module):
    """A model with a module of an odd name, and two more."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module(ODD, nn.Linear(8, 16))
        self.act, self.out = nn.ReLU(), nn.Linear(16, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.act(self.get_submodule(ODD)(x)))


def small() -> Graph:
    """A timed training step of a small model."""
    model = Odd()
    return trace(model, torch.ones(4, 8), backward=True, optimizer=torch.optim.Adam(model.parameters()), timing=2)


def of(name: str) -> Graph:
    """The small step, or a timed forward and backward pass of one of the models."""
    if name == "small":
        return small()
    found: Any = MODELS[name]()
    return trace(found.model, found.args, found.kwargs, backward="auto", timing=1)
