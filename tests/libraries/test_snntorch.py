from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "its first call does other work than later ones, even without a hidden state"
"""What a person who records a model of this library should know."""
LINES = 38
"""Lines of the snapshot."""


def test_a_leaky_neuron() -> None:
    snntorch = pytest.importorskip("snntorch")
    assert require_recorded(lambda: snntorch.Leaky(beta=0.9), (torch.rand(2, 8), torch.zeros(2, 8))) == LINES
