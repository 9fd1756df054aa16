from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "the guide makes its parameters in the first call; its validation reads values on the host"
"""What a person who records a model of this library should know."""
LINES = 151
"""Lines of the snapshot."""


def test_the_loss_of_a_variational_step() -> None:
    pyro = pytest.importorskip("pyro")

    def model(x: torch.Tensor) -> None:
        weight = pyro.sample("weight", pyro.distributions.Normal(torch.zeros(3), torch.ones(3)).to_event(1))
        with pyro.plate("data", len(x)):
            pyro.sample("seen", pyro.distributions.Normal(x @ weight, 1.0), obs=x[:, 0])

    def build() -> torch.nn.Module:
        pyro.clear_param_store()
        guide = pyro.infer.autoguide.AutoNormal(model)
        x = torch.ones(4, 3)
        guide(x)
        return pyro.infer.Trace_ELBO()(model, guide)

    assert require_recorded(build, (torch.ones(4, 3),)) == LINES
