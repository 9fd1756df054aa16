from __future__ import annotations

import pytest
import torch

from tests.libraries.companions import without_kernels_of_torchaudio
from tests.libraries.proof import require_recorded

# It asks for the weight norm that PyTorch wants to see the end of.
pytestmark = [pytest.mark.library, pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")]

KNOW = "in training, the quantiser makes its codebook by k-means in the first call"
"""What a person who records a model of this library should know."""
LINES = 165
"""Lines of the snapshot."""


def test_a_codec_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    without_kernels_of_torchaudio(monkeypatch)
    encodec = pytest.importorskip("encodec")
    modules = pytest.importorskip("encodec.modules")
    quantization = pytest.importorskip("encodec.quantization")

    def build() -> torch.nn.Module:
        sizes = {"channels": 1, "dimension": 8, "n_filters": 2, "ratios": [2, 2], "n_residual_layers": 1, "lstm": 1}
        quantizer = quantization.ResidualVectorQuantizer(dimension=8, n_q=2, bins=4)
        encoder, decoder = modules.SEANetEncoder(**sizes), modules.SEANetDecoder(**sizes)
        model: torch.nn.Module = encodec.EncodecModel(encoder, decoder, quantizer, [1.5], 16, 1)
        return model.train()

    assert require_recorded(build, (torch.randn(1, 1, 64),)) == LINES
