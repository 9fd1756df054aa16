"""DOT, the language of Graphviz, as the pictures of this package use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.tracking.picture import drawn_by

if TYPE_CHECKING:
    from pytest_torchgraph.graph.graph import Graph


def render(graph: Graph) -> str:
    """The graph as DOT."""
    text: str = drawn_by("dot_text")(graph)
    return text
