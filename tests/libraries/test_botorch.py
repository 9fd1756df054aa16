from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "a posterior is computed once and cached: the second call has fewer operations"
"""What a person who records a model of this library should know."""
LINES = 87
"""Lines of the snapshot."""


def test_the_posterior_of_a_process() -> None:
    models = pytest.importorskip("botorch.models")
    x = torch.linspace(0, 1, 8, dtype=torch.float64)[:, None]

    def posterior(model: Any, args: Any) -> Any:
        found = model.posterior(*args)
        return found.mean, found.variance

    build = lambda: models.SingleTaskGP(x, (6 * x).sin()).eval()  # noqa: E731
    assert require_recorded(build, (x[:3] + 0.05,), runs=posterior) == LINES
