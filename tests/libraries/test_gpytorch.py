from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "prediction caches; `cholesky_solve` has no FLOP formula"
"""What a person who records a model of this library should know."""
LINES = 74
"""Lines of the snapshot."""


def test_the_likelihood_of_an_exact_process() -> None:
    gpytorch: Any = pytest.importorskip("gpytorch")
    x = torch.linspace(0, 1, 12)
    y = torch.sin(x * 6)

    class Process(gpytorch.models.ExactGP):
        def __init__(self) -> None:
            super().__init__(x, y, gpytorch.likelihoods.GaussianLikelihood())
            self.mean = gpytorch.means.ConstantMean()
            self.covariance = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel())

        def forward(self, at: torch.Tensor) -> Any:
            return gpytorch.distributions.MultivariateNormal(self.mean(at), self.covariance(at))

    def likelihood(model: Any, args: Any) -> Any:
        return gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model)(model(*args), y)

    assert require_recorded(lambda: Process().train(), (x,), runs=likelihood) == LINES
