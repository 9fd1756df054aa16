"""Encoders, decoders and a state space model for text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real import factories

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph


def test_bert(torch_graph: TorchGraph) -> None:
    example = factories.bert()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_gpt2(torch_graph: TorchGraph) -> None:
    example = factories.gpt2()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_mixtral(torch_graph: TorchGraph) -> None:
    example = factories.mixtral()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_t5(torch_graph: TorchGraph) -> None:
    example = factories.t5()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_mamba(torch_graph: TorchGraph) -> None:
    example = factories.mamba()
    torch_graph.check(example.model, example.args, example.kwargs)
