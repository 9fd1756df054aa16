"""Every small model that learns: its step is recorded, written, and as it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.models import MODELS

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph

LEARNS_NOTHING = {
    "custom_op": "the operator has no autograd formula",
    "flex_attention": "no gradient is wanted",
    "grad_inside": "the loss is differentiated inside",
    "grouped_attention": "no gradient is wanted",
    "inplace_view": "no gradient is wanted",
    "kv_cache": "the cache is written in place",
    "no_work": "no gradient is wanted",
    "plain_callable": "no gradient is wanted",
    "quantized": "no gradient is wanted",
    "train_step": "it makes its step itself",
    "while_loop": "no gradient is wanted",
}
SHOWN = ["block", "checkpointed", "tied_weights", "reused_module", "mha", "moe", "autocast_inside", "hooks_inside"]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights and inputs in every run."""
    torch.manual_seed(0)


def optimizer_of(model: Any) -> Any:
    """An optimizer of what *model* learns in plain memory; ``None`` where that is nothing, or not known yet."""
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    learnt = [one for one in parameters if one.requires_grad and type(one) is nn.Parameter]
    plain = [one for one in learnt if one.layout is torch.strided]
    return torch.optim.AdamW(plain) if plain else None


def step_of(trait: str) -> tuple[Any, dict[str, Any]]:
    example = MODELS[trait]()
    return example, {"backward": True, "optimizer": optimizer_of(example.model)}


def recorded(trait: str) -> Graph:
    example, step = step_of(trait)
    return trace(example.model, example.args, example.kwargs, warmup=1, **step)


@pytest.mark.parametrize("trait", SHOWN)
def test_step(torch_graph: TorchGraph, trait: str) -> None:
    example, step = step_of(trait)
    torch_graph.check(example.model, example.args, example.kwargs, **step)


@pytest.mark.parametrize("trait", [trait for trait in MODELS if trait not in LEARNS_NOTHING])
def test_what_is_written_of_a_step_reads_back_and_expands_to_the_same_graph(trait: str) -> None:
    graph = recorded(trait)
    assert read(write(graph.canonical, test="test_training.py::test_step", recorded="here")).program == graph.canonical
    found = expanded(graph.canonical)
    assert canonical(found).root == graph.canonical.root
    assert [one.phase for one in found.operations] == [one.phase for one in graph.operations if not one.is_view]


@pytest.mark.parametrize("trait", LEARNS_NOTHING)
def test_a_model_that_learns_nothing_says_so(trait: str) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        recorded(trait)
