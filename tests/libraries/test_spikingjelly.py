from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "membranes are state of the modules: reset them inside of what is recorded"
"""What a person who records a model of this library should know."""
LINES = 0
"""Lines of the snapshot."""


def test_a_spiking_layer_over_time() -> None:
    activation = pytest.importorskip("spikingjelly.activation_based")
    functional, neuron = activation.functional, activation.neuron

    def build() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(4, 8), neuron.LIFNode(), torch.nn.Linear(8, 2), neuron.LIFNode())

    def over_time(model: Any, args: Any) -> torch.Tensor:
        functional.reset_net(model)
        return torch.stack([model(x) for x in args[0]])

    assert require_recorded(build, (torch.rand(3, 2, 4),), runs=over_time) == LINES
