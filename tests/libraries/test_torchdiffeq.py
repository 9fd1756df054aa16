from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "an adaptive solver takes as many steps as its weights ask for: take a fixed step"
"""What a person who records a model of this library should know."""
LINES = 150
"""Lines of the snapshot."""


class Field(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(self.linear(state))


def test_a_fixed_step_solver() -> None:
    solver = pytest.importorskip("torchdiffeq")
    times = torch.linspace(0, 1, 5)
    lines = require_recorded(
        Field, (torch.ones(3, 2),), runs=lambda model, args: solver.odeint(model, *args, times, method="rk4")
    )
    assert lines == LINES
