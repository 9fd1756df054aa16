"""Networks on graphs, by gathering and scattering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real import factories

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph


def test_gcn(torch_graph: TorchGraph) -> None:
    example = factories.gcn()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_gat(torch_graph: TorchGraph) -> None:
    example = factories.gat()
    torch_graph.check(example.model, example.args, example.kwargs)
