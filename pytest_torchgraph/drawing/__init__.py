"""Pictures of graphs: interactive with plotly, for print with matplotlib, or as text for Graphviz."""

from __future__ import annotations

from pytest_torchgraph.drawing.dot import dot_text
from pytest_torchgraph.drawing.picture import draw, save

__all__ = ["dot_text", "draw", "save"]
