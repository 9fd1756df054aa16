"""The analysis as plain values, as the tracking API names its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.overview import analyse
from pytest_torchgraph.tracking.document import node_of
from pytest_torchgraph.tracking.node import GraphNode, OperationType

if TYPE_CHECKING:
    from pytest_torchgraph.tracking.tracker import ComputationalGraphTracker


def details(tracker: ComputationalGraphTracker) -> dict[str, Any]:
    """The parts of a detailed analysis."""
    found = analyse(tracker.graph).as_dict()
    return {
        "performance": {**found["performance"], "memory_usage": found["memory"]["by_category"]},
        "layer_analysis": layer_analysis(tracker),
        "layers": found["layers"],
        "operations": found["kinds"],
        "critical_path": found["critical_path"],
        "recomputation": found["recomputation"],
        "memory": found["memory"],
    }


def layer_analysis(tracker: ComputationalGraphTracker) -> dict[str, list[dict[str, Any]]]:
    """The operations of each module, by its path; those of the model itself by its class."""
    root = tracker.graph.scopes[0].class_name
    found: dict[str, list[dict[str, Any]]] = {scope.path or root: [] for scope in tracker.graph.scopes}
    for node in tracker.nodes:
        if is_operation(node):
            found[node.module_name or root].append(node_of(node))
    return found


def is_operation(node: GraphNode) -> bool:
    """Whether *node* is an operation that does work."""
    told = node.metadata or {}
    kinds = (OperationType.TENSOR_OP, OperationType.CUSTOM)
    return node.operation_type in kinds and node.id.startswith("op:") and not told.get("is_view")
