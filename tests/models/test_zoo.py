"""Every small model is recorded, checked and left as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.models import MODELS

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights and inputs in every run."""
    torch.manual_seed(0)


@pytest.mark.parametrize("trait", MODELS)
def test_model(torch_graph: TorchGraph, trait: str) -> None:
    example = MODELS[trait]()
    torch_graph.check(example.model, example.args, example.kwargs)
