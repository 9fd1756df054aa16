from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "its quantiser runs k-means in the first call in training mode: record in eval mode"
"""What a person who records a model of this library should know."""
LINES = 0
"""Lines of the snapshot."""


def test_an_audio_codec() -> None:
    model = pytest.importorskip("encodec.model")
    build = lambda: model.EncodecModel.encodec_model_24khz(pretrained=False).eval()  # noqa: E731
    assert require_recorded(build, (torch.randn(1, 1, 640),)) == LINES
