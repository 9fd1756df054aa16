"""What was tracked as plain values: the summary, and the document that is exported as JSON.

``graph.schema.json`` beside this file says what the document holds; :data:`VERSION` changes with it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.overview import as_plain, memory_use
from pytest_torchgraph.tracking.content import Content, content
from pytest_torchgraph.tracking.modules import run_around
from pytest_torchgraph.tracking.node import GraphEdge, GraphNode

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

FORMAT, VERSION = "torchgraph", 1


def document(graph: Graph, found: Content | None = None, *, memory: bool = True) -> dict[str, Any]:
    """Everything as dictionaries and lists; *found* are nodes and edges, all that there are by default."""
    nodes, edges = content(graph) if found is None else found
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": graph.scopes[0].class_name,
        "origin": as_plain(graph.origin),
        "inputs": [{"path": path, "tensor": reference.spec.text} for path, reference in graph.inputs],
        "outputs": [{"path": path, "tensor": reference.spec.text} for path, reference in graph.outputs],
        "notes": list(graph.notes),
        "summary": summary(graph, nodes, edges, memory=memory),
        "timing": timing_of(graph),
        "nodes": [node_of(node) for node in nodes],
        "edges": [plain(vars(edge)) for edge in edges],
    }


def summary(graph: Graph, nodes: list[GraphNode], edges: list[GraphEdge], *, memory: bool = True) -> dict[str, Any]:
    """The run in a few numbers. What is not known, or was not asked for, is ``None``."""
    use = memory_use(graph)
    timing = graph.timing
    return {
        "total_nodes": len(nodes),
        "total_edges": len(edges),
        "execution_time": None if timing is None else timing.total,
        "nodes_by_type": dict(Counter(node.operation_type.value for node in nodes)),
        "edges_by_type": dict(Counter(edge.edge_type for edge in edges)),
        "operations": graph.count("ops"),
        "module_calls": len(graph.scopes) - (run_around(graph) is not None),
        "phases": dict(Counter(operation.phase for operation in graph.operations if not operation.is_view)),
        "flops": graph.flops.exactly(),
        "flops_at_least": graph.flops.at_least,
        "parameter_bytes": graph.memory.parameter_bytes if memory else None,
        "peak_memory": use.peak if memory else None,
        "memory_usage": use.by_category if memory else None,
    }


def timing_of(graph: Graph) -> dict[str, Any] | None:
    """How times were taken, and what the recorder's own were; those of nodes stand with the nodes."""
    timing = graph.timing
    if timing is None:
        return None
    return {
        "runs": timing.runs,
        "total": timing.total,
        "total_spread": timing.total_spread,
        "in_operations": sum(timing.seconds),
        "overhead": timing.overhead,
        "overhead_per_operation": timing.per_operation,
        "source": timing.source,
    }


def node_of(node: GraphNode) -> dict[str, Any]:
    """A node as a dictionary."""
    found: dict[str, Any] = plain(vars(node))
    found["operation_type"] = node.operation_type.value
    return found


def plain(value: Any) -> Any:
    """*value* with lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value
