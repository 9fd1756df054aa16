from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "activations that are quantised on the fly make another graph on another processor"
"""What a person who records a model of this library should know."""
LINES = 32
"""Lines of the snapshot."""


def test_weights_of_eight_bits() -> None:
    quantization = pytest.importorskip("torchao.quantization")

    def build() -> torch.nn.Module:
        model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 32)).eval()
        quantization.quantize_(model, quantization.Int8WeightOnlyConfig())
        return model

    assert require_recorded(build, (torch.randn(2, 32),)) == LINES
