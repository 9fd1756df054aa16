from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "offloaded weights are copied in every call"
"""What a person who records a model of this library should know."""
LINES = 0
"""Lines of the snapshot."""


def test_weights_that_are_offloaded() -> None:
    accelerate = pytest.importorskip("accelerate")

    def build() -> torch.nn.Module:
        model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4)).eval()
        return accelerate.cpu_offload(model, torch.device("cpu"))

    assert require_recorded(build, (torch.randn(2, 8),)) == LINES
