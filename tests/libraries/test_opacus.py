from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

# Said of models whose inputs need no gradient, as those of most models do not.
pytestmark = [pytest.mark.library, pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")]

KNOW = "each parameter keeps the gradient of each sample: clear gradients inside of what is recorded"
"""What a person who records a model of this library should know."""
LINES = 63
"""Lines of the snapshot."""


def test_gradients_of_each_sample() -> None:
    opacus = pytest.importorskip("opacus")

    def gradients(model: Any, args: Any) -> torch.Tensor:
        model.zero_grad()
        model(*args).square().sum().backward()
        return torch.cat([parameter.grad_sample.flatten() for parameter in model.parameters()])

    def build() -> torch.nn.Module:
        plain = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        model: torch.nn.Module = opacus.GradSampleModule(plain)
        return model

    assert require_recorded(build, (torch.randn(4, 6),), runs=gradients) == LINES
