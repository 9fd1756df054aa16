from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "weights that are offloaded are copied in every call, and afterwards lie on `meta` again"
"""What a person who records a model of this library should know."""
LINES = 32
"""Lines of the snapshot."""


def test_a_model_whose_weights_are_offloaded() -> None:
    accelerate = pytest.importorskip("accelerate")

    def build() -> torch.nn.Module:
        plain = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
        model: torch.nn.Module = accelerate.cpu_offload(plain, execution_device="cpu")
        return model

    assert require_recorded(build, (torch.randn(2, 8),)) == LINES
