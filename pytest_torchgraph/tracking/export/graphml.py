"""GraphML, through networkx: for graph tools such as Gephi, yEd and Cytoscape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.tracking.content import content
from pytest_torchgraph.tracking.document import node_of
from pytest_torchgraph.words.extra import required

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph


def render(graph: Graph) -> str:
    """The nodes and edges that JSON has, too."""
    networkx = required("networkx", "the format graphml")
    found = networkx.MultiDiGraph(model=graph.scopes[0].class_name)
    nodes, edges = content(graph)
    for node in nodes:
        told = node_of(node)
        for key in ("id", "parent_ids", "child_ids"):
            told.pop(key)
        found.add_node(node.id, **scalars({**told, **told.pop("metadata")}))
    for edge in edges:
        told = {"edge_type": edge.edge_type, "tensor_shape": edge.tensor_shape, **(edge.metadata or {})}
        found.add_edge(edge.source_id, edge.target_id, **scalars(told))
    return "\n".join(networkx.generate_graphml(found)) + "\n"


def scalars(told: Mapping[str, Any]) -> dict[str, Any]:
    """What GraphML can hold of *told*: numbers and text; what is not known is left out."""
    return {key: scalar(value) for key, value in told.items() if value is not None}


def scalar(value: Any) -> Any:
    """*value*, or its text without what XML cannot hold."""
    if isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "".join(char if char.isprintable() else "?" for char in text)
