from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "graph modules instead of TorchScript: every scope is seen"
"""What a person who records a model of this library should know."""
LINES = 47
"""Lines of the snapshot."""


def test_an_equivariant_layer() -> None:
    o3 = pytest.importorskip("e3nn.o3")
    irreps = "4x0e + 2x1o"
    args = (torch.ones(3, 10), torch.ones(3, 10))
    assert require_recorded(lambda: o3.FullyConnectedTensorProduct(irreps, irreps, irreps), args) == LINES
