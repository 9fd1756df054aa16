from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = ""
"""What a person who records a model of this library should know."""
LINES = 0
"""Lines of the snapshot."""


def test_a_vocoder() -> None:
    models = pytest.importorskip("vocos.models")
    heads = pytest.importorskip("vocos.heads")

    def build() -> torch.nn.Module:
        backbone = models.VocosBackbone(input_channels=8, dim=16, intermediate_dim=32, num_layers=2)
        return torch.nn.Sequential(backbone, heads.ISTFTHead(dim=16, n_fft=16, hop_length=4)).eval()

    assert require_recorded(build, (torch.randn(1, 8, 12),)) == LINES
