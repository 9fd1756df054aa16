"""From a graph to nodes and edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_torchgraph.analysis.flow import Flow, flows
from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.analysis.traffic import bytes_moved
from pytest_torchgraph.recorded.operation import operands_of, tensors_in
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.tracking.modules import Modules, module_id
from pytest_torchgraph.tracking.node import GraphEdge, GraphNode, OperationType, Shape

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.autograd import Edge
    from pytest_torchgraph.recorded.memory import Life
    from pytest_torchgraph.recorded.operation import Operation
    from pytest_torchgraph.tracking.settings import Settings

Content: TypeAlias = "tuple[list[GraphNode], list[GraphEdge]]"
OWN = ("aten.", "prims.", "higher_order.")
"""Namespaces of PyTorch's own operations."""


def content(graph: Graph, settings: Settings | None = None, *, memory: bool = True, tensor_ops: bool = True) -> Content:
    """The nodes and edges of *graph*, whose modules were built with *settings*.

    Without *tensor_ops* there are no operations, and memory is told of the module call that took it.
    """
    taken = bytes_taken(graph) if memory else None
    found = list(flows(graph))
    modules = Modules(graph, taken, settings or {})
    nodes = [*modules.nodes(), *phase_nodes(graph), *gradient_nodes(graph, taken)]
    edges = [*modules.edges(found), *gradient_edges(graph)]
    if tensor_ops:
        nodes += operation_nodes(graph, taken)
        edges += operation_edges(graph, found)
    if memory:
        nodes += memory_nodes(graph)
        edges += memory_edges(graph, tensor_ops=tensor_ops)
    connect(nodes, edges)
    return nodes, edges


def connect(nodes: list[GraphNode], edges: list[GraphEdge]) -> None:
    """Tell every node which nodes it is connected with."""
    parents: dict[str, dict[str, None]] = {node.id: {} for node in nodes}
    children: dict[str, dict[str, None]] = {node.id: {} for node in nodes}
    for edge in edges:
        parents[edge.target_id][edge.source_id] = None
        children[edge.source_id][edge.target_id] = None
    for node in nodes:
        node.parent_ids, node.child_ids = list(parents[node.id]), list(children[node.id])


def bytes_taken(graph: Graph) -> dict[int, int]:
    """The bytes that each operation took, by position."""
    found: Counter[int] = Counter()
    for storage in graph.storages:
        if storage.producer is not None:
            found[storage.producer] += storage.bytes or 0
    return found


def operation_id(index: int) -> str:
    """The id of an operation."""
    return f"op:{index}"


def operation_nodes(graph: Graph, taken: dict[int, int] | None) -> Iterator[GraphNode]:
    """One node for each operation."""
    for operation in graph.operations:
        span = None if graph.timing is None else graph.timing.operations[operation.index]
        yield GraphNode(
            id=operation_id(operation.index),
            name=operation.packet,
            operation_type=OperationType.TENSOR_OP if operation.name.startswith(OWN) else OperationType.CUSTOM,
            module_name=graph.scopes[operation.scope].path,
            input_shapes=[tensor.spec.shape for tensor in operands_of(operation)],
            output_shapes=[tensor.spec.shape for tensor in tensors_in(operation.results)],
            execution_time=None if graph.timing is None else graph.timing.seconds[operation.index],
            memory_usage=None if taken is None else taken.get(operation.index, 0),
            metadata=told_of(graph, operation),
            timestamp=None if span is None else span.start,
        )


def told_of(graph: Graph, operation: Operation) -> dict[str, Any]:
    """What is known of an operation besides."""
    source = source_of(graph, operation)
    return {
        "operation": operation.name,
        "phase": operation.phase,
        "within": module_id(operation.scope),
        "call": None if operation.call is None else graph.calls[operation.call].name,
        "inputs": [tensor.spec.text for tensor in operands_of(operation)],
        "outputs": [tensor.spec.text for tensor in tensors_in(operation.results)],
        "flops": operation.flops,
        "bytes_moved": bytes_moved(operation),
        "is_view": operation.is_view,
        "is_sync": operation.is_sync,
        "recomputed": operation.recomputed,
        "forward": None if operation.forward is None else operation_id(operation.forward),
        "gradient": None if operation.node is None else gradient_id(operation.node),
        "source": None if source is None else f"{source.file}:{source.line}",
    }


def operation_edges(graph: Graph, found: list[Flow]) -> Iterator[GraphEdge]:
    """What flows between operations; between those of a backward pass, gradients do."""
    for flow in found:
        phases = {graph.operations[flow.source].phase, graph.operations[flow.target].phase}
        kind = "gradient_flow" if phases == {BACKWARD} else "data_flow"
        spec = flow.tensor.spec
        yield GraphEdge(operation_id(flow.source), operation_id(flow.target), kind, spec.shape, {"dtype": spec.dtype})


def phase_nodes(graph: Graph) -> Iterator[GraphNode]:
    """One node for each step of an optimizer, and for what lies between phases."""
    for index, phase in enumerate(graph.phases):
        if phase.name == BACKWARD:
            continue
        positions = range(*phase.operations)
        timing = graph.timing
        yield GraphNode(
            id=f"phase:{index}",
            name=f"{phase.name}: {phase.title}" if phase.title else phase.name,
            operation_type=OperationType.CUSTOM,
            execution_time=None if timing is None else timing.of(positions),
            metadata={"phase": phase.name, "operations": list(phase.operations)},
            timestamp=timing.operations[positions[0]].start if timing is not None and positions else None,
        )


def gradient_id(node: int) -> str:
    """The id of an autograd node."""
    return f"gradient:{node}"


def gradient_nodes(graph: Graph, taken: dict[int, int] | None) -> Iterator[GraphNode]:
    """One node for each node of the autograd graph."""
    ran: dict[int, list[int]] = {}
    for operation in graph.operations:
        if operation.node is not None:
            ran.setdefault(operation.node, []).append(operation.index)
    for node in graph.nodes:
        forward = None if node.forward is None else graph.operations[node.forward]
        own = ran.get(node.index, [])
        yield GraphNode(
            id=gradient_id(node.index),
            name=node.name,
            operation_type=OperationType.GRADIENT_OP,
            module_name=None if forward is None else graph.scopes[forward.scope].path,
            execution_time=None if graph.timing is None else graph.timing.of(own),
            memory_usage=None if taken is None else sum(taken.get(index, 0) for index in own),
            timestamp=graph.timing.operations[own[0]].start if graph.timing is not None and own else None,
            metadata={
                "forward": None if node.forward is None else operation_id(node.forward),
                "parameter": node.parameter,
                "operations": [operation_id(index) for index in own],
                "saved_bytes": sum(graph.storages[storage].bytes or 0 for storage in node.saved),
            },
        )


def gradient_edges(graph: Graph) -> Iterator[GraphEdge]:
    """Where gradients flow: from a node to those of the values that the forward operation read."""
    named = {storage.name: storage.spec.shape for storage in graph.storages if storage.name}
    for node in graph.nodes:
        for edge in filter(None, node.edges):
            shape = shape_of(graph, edge, named)
            yield GraphEdge(gradient_id(node.index), gradient_id(edge.node), "gradient_flow", shape)


def shape_of(graph: Graph, edge: Edge, named: dict[str, Shape]) -> Shape | None:
    """The shape of the gradient that flows along *edge*: that of the value which the next node belongs to."""
    node = graph.nodes[edge.node]
    if node.parameter is not None:
        return named.get(node.parameter)
    results = [] if node.forward is None else tensors_in(graph.operations[node.forward].results)
    return results[edge.input].spec.shape if edge.input < len(results) else None


def memory_lives(graph: Graph) -> Iterator[tuple[int, Life, int]]:
    """The memory that operations took: its number, its life, and the operation that took it."""
    for number, life in enumerate(graph.memory.lives or ()):
        producer = graph.storages[life.storage].producer
        if producer is not None and life.born >= 0:
            yield number, life, producer


def memory_nodes(graph: Graph) -> Iterator[GraphNode]:
    """One node for each stretch of memory that an operation took; two where it became something else."""
    for number, life, producer in memory_lives(graph):
        spec = graph.storages[life.storage].spec
        yield GraphNode(
            id=f"memory:{number}",
            name=f"{life.category} {spec.text}",
            operation_type=OperationType.MEMORY_OP,
            module_name=graph.scopes[graph.operations[producer].scope].path,
            output_shapes=[spec.shape],
            memory_usage=life.bytes,
            metadata={
                "category": life.category,
                "taken_by": operation_id(producer),
                "from": operation_id(life.born),
                "until": None if life.died is None else operation_id(life.died),
                "at_peak": life.alive(graph.memory.peak_at),
            },
        )


def memory_edges(graph: Graph, *, tensor_ops: bool) -> Iterator[GraphEdge]:
    """From each operation to the memory that it took; without *tensor_ops*, from the module call that it ran in."""
    for number, life, producer in memory_lives(graph):
        shape = graph.storages[life.storage].spec.shape
        source = operation_id(producer) if tensor_ops else module_id(graph.operations[producer].scope)
        yield GraphEdge(source, f"memory:{number}", "memory_flow", shape, {"bytes": life.bytes})
