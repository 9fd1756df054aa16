"""Every small model is recorded, checked and left as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.diff.products import flops_at
from pytest_torchgraph.diff.tree import Tree
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
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


@pytest.mark.parametrize("trait", MODELS)
def test_what_is_written_of_a_model_reads_back_as_its_canonical_graph(trait: str) -> None:
    example = MODELS[trait]()
    program = canonical(trace(example.model, example.args, example.kwargs))
    assert read(write(program, test="test_zoo.py::test_model", recorded="here")).program == program


@pytest.mark.parametrize("trait", MODELS)
def test_what_is_written_of_a_model_tells_its_flops(trait: str) -> None:
    example = MODELS[trait]()
    graph = trace(example.model, example.args, example.kwargs)
    tree = Tree(graph.canonical)
    found = sum(flops_at(tree, tree.bodies[0], at) for at in range(len(graph.canonical.root.items)))
    assert found == graph.flops.at_least
