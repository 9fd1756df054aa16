from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "the grid is made in the first call and kept; weights are complex"
"""What a person who records a model of this library should know."""
LINES = 70
"""Lines of the snapshot."""


def test_an_operator_in_fourier_space() -> None:
    models = pytest.importorskip("neuralop.models")
    build = lambda: models.FNO(n_modes=(4, 4), in_channels=1, out_channels=1, hidden_channels=8, n_layers=2)  # noqa: E731
    assert require_recorded(build, (torch.randn(1, 1, 16, 16),)) == LINES
