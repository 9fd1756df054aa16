from __future__ import annotations

import pytest
import torch

from tests.libraries.companions import without_kernels_of_torchvision
from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "without `encoder_weights=None` the model asks a hub for weights"
"""What a person who records a model of this library should know."""
LINES = 148
"""Lines of the snapshot."""


def test_a_segmentation_model(monkeypatch: pytest.MonkeyPatch) -> None:
    without_kernels_of_torchvision(monkeypatch)
    smp = pytest.importorskip("segmentation_models_pytorch")
    build = lambda: smp.Unet("resnet18", encoder_weights=None, decoder_channels=(32, 16, 8, 8, 4)).eval()  # noqa: E731
    assert require_recorded(build, (torch.randn(1, 3, 64, 64),)) == LINES
