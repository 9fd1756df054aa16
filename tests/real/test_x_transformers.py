"""Four shapes of x-transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real import factories

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph


def test_x_plain(torch_graph: TorchGraph) -> None:
    example = factories.x_plain()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_x_rotary(torch_graph: TorchGraph) -> None:
    example = factories.x_rotary()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_x_alibi(torch_graph: TorchGraph) -> None:
    example = factories.x_alibi()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_x_gqa(torch_graph: TorchGraph) -> None:
    example = factories.x_gqa()
    torch_graph.check(example.model, example.args, example.kwargs)
