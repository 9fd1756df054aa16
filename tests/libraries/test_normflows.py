from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "ActNorm's flag lies in a buffer: the first call initialises it"
"""What a person who records a model of this library should know."""
LINES = 82
"""Lines of the snapshot."""


def test_a_coupling_flow() -> None:
    flows = pytest.importorskip("normflows")

    def build() -> torch.nn.Module:
        networks = [flows.nets.MLP([1, 8, 2], init_zeros=True) for _ in range(2)]
        parts = [part for each in networks for part in (flows.flows.AffineCouplingBlock(each), flows.flows.ActNorm(2))]
        return flows.NormalizingFlow(flows.distributions.DiagGaussian(2), parts)

    assert require_recorded(build, (torch.randn(4, 2),), runs=lambda model, args: model.log_prob(*args)) == LINES
