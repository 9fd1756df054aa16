from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "pairs of atoms are found with `nonzero`, a read on the host"
"""What a person who records a model of this library should know."""
LINES = 410
"""Lines of the snapshot."""


def test_energies_and_forces() -> None:
    arch = pytest.importorskip("torchani.arch")

    def forces(model: Any, args: Any) -> Any:
        species, positions = args
        with torch.enable_grad():
            positions = positions.detach().requires_grad_()
            energies = model((species, positions)).energies
            return energies.detach(), torch.autograd.grad(energies.sum(), positions)[0]

    build = lambda: arch.simple_ani(("H", "O"), lot="wb97x-631gd", ensemble_size=1).eval()  # noqa: E731
    water = torch.tensor([[[0.0, 0.0, 0.1], [0.0, 0.8, -0.5], [0.0, -0.8, -0.5]]])
    assert require_recorded(build, (torch.tensor([[8, 1, 1]]), water), runs=forces) == LINES
