from __future__ import annotations

from typing import Any, TypeVar

import pytest
import torch
from torch.utils.data import dataloader

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "with PyTorch 2.13, put `torch.utils.data.dataloader.T_co` back before the import; writes to its input"
"""What a person who records a model of this library should know."""
LINES = 148
"""Lines of the snapshot."""


def test_energies_and_forces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataloader, "T_co", TypeVar("T_co"), raising=False)
    atomistic = pytest.importorskip("schnetpack.atomistic")
    layers = pytest.importorskip("schnetpack.nn")
    representation = pytest.importorskip("schnetpack.representation")
    models = pytest.importorskip("schnetpack.model")
    names: Any = pytest.importorskip("schnetpack.properties")

    def build() -> torch.nn.Module:
        schnet = representation.SchNet(8, 1, layers.GaussianRBF(4, 5.0), layers.CosineCutoff(5.0))
        model: torch.nn.Module = models.NeuralNetworkPotential(
            schnet, [atomistic.PairwiseDistances()], [atomistic.Atomwise(8, output_key="energy"), atomistic.Forces()]
        )
        return model

    def forces(model: Any, args: Any) -> Any:
        keys = names.Z, names.R, names.idx_i, names.idx_j, names.idx_m, names.offsets
        found = model(dict(zip(keys, args, strict=True)))
        return found["energy"].detach(), found["forces"].detach()

    atoms, pairs = torch.tensor([8, 1, 1]), torch.tensor([[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]])
    water = torch.tensor([[0.0, 0.0, 0.1], [0.0, 0.8, -0.5], [0.0, -0.8, -0.5]])
    args = atoms, water, *pairs, torch.zeros(3, dtype=torch.long), torch.zeros(6, 3)
    assert require_recorded(build, args, runs=forces) == LINES
