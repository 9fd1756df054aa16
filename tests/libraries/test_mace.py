from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "it asks for an e3nn that makes TorchScript; with 0.6 every scope is seen"
"""What a person who records a model of this library should know."""
LINES = 341
"""Lines of the snapshot."""


def test_energies_and_forces() -> None:
    o3 = pytest.importorskip("e3nn.o3")
    modules = pytest.importorskip("mace.modules")

    def build() -> torch.nn.Module:
        model: torch.nn.Module = modules.MACE(
            r_max=4.0,
            num_bessel=4,
            num_polynomial_cutoff=5,
            max_ell=1,
            interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
            interaction_cls_first=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
            num_interactions=1,
            num_elements=2,
            hidden_irreps=o3.Irreps("4x0e"),
            MLP_irreps=o3.Irreps("4x0e"),
            atomic_energies=np.zeros(2),
            avg_num_neighbors=2.0,
            atomic_numbers=[1, 8],
            correlation=2,
            gate=torch.nn.functional.silu,
        )
        return model

    def forces(model: Any, args: Any) -> Any:
        found = model(dict(zip(NAMES, args, strict=True)))
        return found["energy"].detach(), found["forces"].detach()

    water = torch.tensor([[0.0, 0.0, 0.1], [0.0, 0.8, -0.5], [0.0, -0.8, -0.5]])
    atoms = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    pairs = torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    shifts = torch.zeros(6, 3)
    args = water, atoms, pairs, shifts, shifts, torch.eye(3) * 9, torch.zeros(3, dtype=torch.long), torch.tensor([0, 3])
    assert require_recorded(build, args, runs=forces) == LINES


NAMES = ("positions", "node_attrs", "edge_index", "shifts", "unit_shifts", "cell", "batch", "ptr")
