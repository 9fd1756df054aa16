from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "neurons keep their potential from call to call: reset the net inside of what is recorded"
"""What a person who records a model of this library should know."""
LINES = 81
"""Lines of the snapshot."""


def test_spiking_neurons() -> None:
    functional, layer, neuron = (
        pytest.importorskip(f"spikingjelly.activation_based.{name}") for name in ("functional", "layer", "neuron")
    )

    def build() -> torch.nn.Module:
        return torch.nn.Sequential(layer.Linear(8, 16), neuron.LIFNode(), layer.Linear(16, 4), neuron.IFNode())

    def steps(model: Any, args: Any) -> torch.Tensor:
        functional.reset_net(model)
        return torch.stack([model(*args) for _ in range(3)])

    assert require_recorded(build, (torch.rand(2, 8),), runs=steps) == LINES
