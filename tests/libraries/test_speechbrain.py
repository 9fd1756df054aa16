from __future__ import annotations

import pytest
import torch

from tests.libraries.companions import without_kernels_of_torchaudio
from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "lengths are relative, and masks are made of them in every call"
"""What a person who records a model of this library should know."""
LINES = 129
"""Lines of the snapshot."""


def test_an_embedding_of_a_speaker(monkeypatch: pytest.MonkeyPatch) -> None:
    without_kernels_of_torchaudio(monkeypatch)
    ecapa = pytest.importorskip("speechbrain.lobes.models.ECAPA_TDNN")
    sizes = {"channels": [16, 16, 16, 16, 48], "attention_channels": 8, "res2net_scale": 4, "se_channels": 8}
    build = lambda: ecapa.ECAPA_TDNN(input_size=8, lin_neurons=6, **sizes).eval()  # noqa: E731
    assert require_recorded(build, (torch.randn(2, 20, 8), torch.tensor([1.0, 0.6]))) == LINES
