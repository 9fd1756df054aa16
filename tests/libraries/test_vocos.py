from __future__ import annotations

import pytest
import torch

from tests.libraries.companions import without_kernels_of_torchaudio
from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "torchaudio loads only beside the build of PyTorch that it was made for: take both from one index"
"""What a person who records a model of this library should know."""
LINES = 51
"""Lines of the snapshot."""


def test_a_vocoder(monkeypatch: pytest.MonkeyPatch) -> None:
    without_kernels_of_torchaudio(monkeypatch)
    vocos = pytest.importorskip("vocos")
    models = pytest.importorskip("vocos.models")
    heads = pytest.importorskip("vocos.heads")

    def build() -> torch.nn.Module:
        backbone = models.VocosBackbone(input_channels=16, dim=32, intermediate_dim=64, num_layers=2)
        model: torch.nn.Module = vocos.Vocos(torch.nn.Identity(), backbone, heads.ISTFTHead(32, n_fft=16, hop_length=4))
        return model.eval()

    assert require_recorded(build, (torch.randn(1, 16, 8),), runs=lambda model, args: model.decode(*args)) == LINES
