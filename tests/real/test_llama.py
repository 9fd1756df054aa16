"""A decoder with grouped queries, without a cache and with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real import factories

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph


def test_llama(torch_graph: TorchGraph) -> None:
    example = factories.llama()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_llama_prefill(torch_graph: TorchGraph) -> None:
    example = factories.llama_prefill()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_llama_decode(torch_graph: TorchGraph) -> None:
    example = factories.llama_decode()
    torch_graph.check(example.model, example.args, example.kwargs)
