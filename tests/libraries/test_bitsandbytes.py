from __future__ import annotations

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "the first call repacks the weights; which kernel runs depends on the processor"
"""What a person who records a model of this library should know."""
LINES = 37
"""Lines of the snapshot."""


def test_weights_of_four_bits() -> None:
    nn = pytest.importorskip("bitsandbytes.nn")

    def build() -> torch.nn.Module:
        layers = nn.Linear4bit(64, 128, quant_type="nf4"), torch.nn.ReLU(), nn.Linear4bit(128, 64, quant_type="nf4")
        return torch.nn.Sequential(*layers).to("cpu").eval()

    assert require_recorded(build, (torch.randn(2, 64),)) == LINES
