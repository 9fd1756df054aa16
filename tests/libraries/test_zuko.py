from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "a continuous flow records each step of its solver: thousands of operations"
"""What a person who records a model of this library should know."""
LINES = 232
"""Lines of the snapshot."""


def test_a_spline_flow() -> None:
    zuko = pytest.importorskip("zuko")
    flow = lambda: zuko.flows.NSF(features=3, transforms=2, hidden_features=(16, 16))  # noqa: E731
    assert require_recorded(flow, (torch.randn(4, 3),), runs=lambda model, args: model().log_prob(*args)) == LINES
