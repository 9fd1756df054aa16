"""A training step of real models: loss, backward pass and optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.models.example import Example
from tests.real import factories

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph

MODELS: dict[str, Callable[[], Example]] = {
    "bert": factories.bert,
    "gpt2": factories.gpt2,
    "llama": factories.llama,
    "mixtral": factories.mixtral,
    "t5": factories.t5,
    "vit": factories.vit,
    "x_alibi": factories.x_alibi,
    "gcn": factories.gcn,
}


def step(example: Example, **options: Any) -> dict[str, Any]:
    model: Any = example.model
    model.requires_grad_()
    return {"backward": True, "optimizer": torch.optim.AdamW(model.parameters(), **options)}


def graph_of(example: Example, **options: Any) -> Graph:
    with torch.enable_grad():
        return trace(example.model, example.args, example.kwargs, warmup=1, **step(example, **options))


def text_of(graph: Graph) -> str:
    return write(graph.canonical, test="tests/real/test_training.py::test_step", recorded="here")


@pytest.mark.parametrize("name", MODELS)
def test_step(torch_graph: TorchGraph, name: str) -> None:
    torch.manual_seed(0)
    example = MODELS[name]()
    torch_graph.check(example.model, example.args, example.kwargs, **step(example, foreach=True))


@pytest.mark.parametrize("name", MODELS)
def test_every_backward_operation_of_a_real_model_knows_what_caused_it(name: str) -> None:
    graph = graph_of(MODELS[name]())
    for operation in graph.operations:
        if operation.phase != "backward" or operation.node is None:
            continue
        assert operation.forward is not None or graph.nodes[operation.node].parameter or operation.sums_gradients


@pytest.mark.parametrize("name", MODELS)
def test_a_step_of_a_real_model_reads_back_and_expands(name: str) -> None:
    graph = graph_of(MODELS[name]())
    program = read(text_of(graph)).program
    assert program == graph.canonical
    assert len(expanded(program).operations) == graph.count("ops")


@pytest.mark.parametrize("foreach", [False, True])
def test_a_deeper_model_has_no_longer_step(foreach: bool) -> None:
    graphs = {layers: graph_of(factories.llama(layers), foreach=foreach) for layers in (6, 12)}
    lines = {layers: len(text_of(graph).splitlines()) for layers, graph in graphs.items()}
    assert lines[6] == lines[12] < 200
