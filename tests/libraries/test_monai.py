from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "its `MetaTensor` is a tensor like others"
"""What a person who records a model of this library should know."""
LINES = 0
"""Lines of the snapshot."""


def test_a_network_for_volumes() -> None:
    nets = pytest.importorskip("monai.networks.nets")
    data = pytest.importorskip("monai.data")
    build = lambda: nets.UNet(2, 1, 2, channels=(4, 8, 16), strides=(2, 2)).eval()  # noqa: E731
    assert require_recorded(build, (data.MetaTensor(torch.randn(1, 1, 16, 16)),)) == LINES
