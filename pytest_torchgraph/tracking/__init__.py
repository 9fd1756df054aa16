"""Track, analyse, draw and export what a PyTorch model does, without pytest.

Everything here is a view of one recording: :class:`~pytest_torchgraph.graph.Graph`, as ``tracker.graph``.
"""

from __future__ import annotations

from pytest_torchgraph.tracking.functions import (
    analyze_computational_graph_execution,
    export_computational_graph,
    track_computational_graph_execution,
    visualize_computational_graph,
)
from pytest_torchgraph.tracking.node import GraphEdge, GraphNode, OperationType
from pytest_torchgraph.tracking.summary import ModelSummary, summary
from pytest_torchgraph.tracking.tracker import ComputationalGraphTracker

__all__ = [
    "ComputationalGraphTracker",
    "GraphEdge",
    "GraphNode",
    "ModelSummary",
    "OperationType",
    "analyze_computational_graph_execution",
    "export_computational_graph",
    "summary",
    "track_computational_graph_execution",
    "visualize_computational_graph",
]
