"""A decoder with grouped queries, without a cache and with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.snapshot.writer import write
from tests.real import factories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_torchgraph.plugin.fixture import TorchGraph
    from tests.models.example import Example


def test_llama(torch_graph: TorchGraph) -> None:
    example = factories.llama()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_llama_prefill(torch_graph: TorchGraph) -> None:
    example = factories.llama_prefill()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_llama_decode(torch_graph: TorchGraph) -> None:
    example = factories.llama_decode()
    torch_graph.check(example.model, example.args, example.kwargs)


def text(layers: int, build: Callable[[int], Example], copying: Iterable[int] = ()) -> list[str]:
    """The snapshot's lines; the feed-forward part of the layers *copying* copies its result."""
    torch.manual_seed(0)
    example = build(layers)
    model: Any = example.model
    for number in copying:
        copy_result(model.get_submodule(f"model.layers.{number}.mlp"))
    graph = trace(model, example.args, example.kwargs)
    return write(canonical(graph), test="test_llama.py::test_llama", recorded="here").splitlines()


def copy_result(module: Any) -> None:
    """Let *module* hand on a copy of what it computes."""
    forward = module.forward
    module.forward = lambda *args, **kwargs: forward(*args, **kwargs).clone()


@pytest.mark.parametrize("build", [factories.llama, factories.llama_prefill, factories.llama_decode])
def test_thirty_two_layers_take_as_many_lines_as_two(build: Callable[[int], Example]) -> None:
    assert len(text(32, build)) == len(text(2, build))


def test_a_copy_in_every_layer_takes_at_most_five_lines_more() -> None:
    assert len(text(32, factories.llama, range(32))) <= len(text(32, factories.llama)) + 5


@pytest.mark.parametrize("number", [0, 17, 31])
def test_a_copy_in_one_layer_takes_at_most_thirty_lines_more(number: int) -> None:
    assert len(text(32, factories.llama, [number])) <= len(text(32, factories.llama)) + 30
