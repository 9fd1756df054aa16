from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "inputs may be `MetaTensor`; a sliding window runs the model once for each batch of windows"
"""What a person who records a model of this library should know."""
LINES = 89
"""Lines of the snapshot."""


def test_a_unet_over_a_sliding_window() -> None:
    nets = pytest.importorskip("monai.networks.nets")
    inferers = pytest.importorskip("monai.inferers")
    data = pytest.importorskip("monai.data")

    def build() -> torch.nn.Module:
        model: torch.nn.Module = nets.UNet(2, in_channels=1, out_channels=2, channels=(4, 8, 16), strides=(2, 2))
        return model.eval()

    window = inferers.SlidingWindowInferer(roi_size=(16, 16), sw_batch_size=2, overlap=0.25)
    image = data.MetaTensor(torch.randn(1, 1, 24, 24))
    assert require_recorded(build, (image,), runs=lambda model, args: window(*args, model)) == LINES
