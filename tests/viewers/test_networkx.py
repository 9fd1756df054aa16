"""Graphs opened in networkx: what JSON holds is there, whatever modules are called."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from pytest_torchgraph.tracking.export import render
from tests.viewers import steps

networkx = pytest.importorskip("networkx", reason="networkx is not installed")


def test_networkx_reads_the_graph_that_json_holds_and_writes_it_again() -> None:
    graph = steps.small()
    read = networkx.read_graphml(BytesIO(render(graph, "graphml").encode()), force_multigraph=True)
    document = json.loads(render(graph, "json"))
    assert read.number_of_nodes() == len(document["nodes"])
    assert read.number_of_edges() == len(document["edges"])
    assert steps.ODD in {data.get("module_name") for _, data in read.nodes(data=True)}
    again = BytesIO()
    networkx.write_graphml(read, again)
    assert networkx.utils.graphs_equal(read, networkx.read_graphml(BytesIO(again.getvalue()), force_multigraph=True))


def test_data_flows_forward_alone() -> None:
    read = networkx.parse_graphml(render(steps.small(), "graphml"), force_multigraph=True)
    data = [(a, b) for a, b, told in read.edges(data=True) if told["edge_type"] == "data_flow"]
    assert data
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(data))
