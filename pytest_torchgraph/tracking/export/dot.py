"""DOT, the language of Graphviz, as the pictures of this package use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph


def render(graph: Graph) -> str:
    """The graph as DOT."""
    from pytest_torchgraph.drawing import dot_text

    return dot_text(graph)
