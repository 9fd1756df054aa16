from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = ""
"""What a person who records a model of this library should know."""
LINES = 0
"""Lines of the snapshot."""


def test_a_segmentation_network() -> None:
    models = pytest.importorskip("segmentation_models_pytorch")
    build = lambda: models.Unet("resnet18", encoder_weights=None).eval()  # noqa: E731
    assert require_recorded(build, (torch.randn(1, 3, 32, 32),)) == LINES
