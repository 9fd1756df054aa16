"""What is ignored is ignored wherever it runs."""

from __future__ import annotations

import torch
from torch import nn

from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.grouping import scope_of
from pytest_torchgraph.verdict.drift import judge


class Model(nn.Module):
    """An encoder with one activation or another, and a head."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.encoder = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), activation)])
        self.head = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.encoder[0](x))
        return found


def step(activation: nn.Module) -> Program:
    return trace(Model(activation), torch.ones(2, 4), backward=True).canonical


def test_a_scope_is_ignored_in_every_phase() -> None:
    difference = compare(step(nn.ReLU()), step(nn.GELU()))
    scopes = {str(scope_of(change)) for change in difference.changes}
    assert {"encoder.0.1", "backward encoder.0.1"} <= scopes
    assert judge(difference).fails
    assert not judge(difference, ignore=("encoder.*", "saved", "peak")).fails
    assert not judge(difference, ignore=("encoder", "saved", "peak")).fails
    assert judge(difference, ignore=("head", "saved", "peak")).fails
