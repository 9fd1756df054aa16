from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library


def test_a_leaky_neuron() -> None:
    snntorch = pytest.importorskip("snntorch")
    require_recorded(lambda: snntorch.Leaky(beta=0.9), (torch.rand(2, 8), torch.zeros(2, 8)))
