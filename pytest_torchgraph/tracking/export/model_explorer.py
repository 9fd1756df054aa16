"""The JSON graph format of Google's Model Explorer (github.com/google-ai-edge/model-explorer): a graph collection.

Module calls become namespaces, so that the explorer shows them as layers to open and close.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.flow import flows
from pytest_torchgraph.analysis.layer import layers
from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.recorded.operation import flat_results, operands_of
from pytest_torchgraph.recorded.tensor import TensorRef
from pytest_torchgraph.tracking.content import operation_id
from pytest_torchgraph.tracking.modules import scopes_above

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.module import Scope
    from pytest_torchgraph.recorded.operation import Operation


def render(graph: Graph) -> str:
    """A collection of one graph."""
    name = graph.scopes[0].class_name
    nodes = [*input_nodes(graph), *operation_nodes(graph)]
    whole = {"id": name, "nodes": nodes, "groupNodeAttributes": group_attributes(graph)}
    return json.dumps({"label": name, "graphs": [whole]}, allow_nan=False) + "\n"


def input_nodes(graph: Graph) -> list[dict[str, Any]]:
    """One node for each tensor that was passed."""
    return [
        {
            "id": f"input:{number}",
            "label": path or "input",
            "namespace": "inputs",
            "attrs": [],
            "incomingEdges": [],
            "outputsMetadata": [tensor_metadata(0, reference)],
        }
        for number, (path, reference) in enumerate(graph.inputs)
    ]


def operation_nodes(graph: Graph) -> list[dict[str, Any]]:
    """One node for each operation."""
    namespaces = namespaces_of(graph)
    incoming = edges(graph)
    return [
        {
            "id": operation_id(operation.index),
            "label": operation.packet.removeprefix("aten."),
            "namespace": "/".join(part for part in (operation.phase, namespaces[operation.scope]) if part),
            "attrs": attributes(graph, operation),
            "incomingEdges": incoming.get(operation.index, []),
            "outputsMetadata": [
                tensor_metadata(place, result)
                for place, result in enumerate(flat_results(operation))
                if isinstance(result, TensorRef)
            ],
        }
        for operation in graph.operations
    ]


def namespaces_of(graph: Graph) -> list[str]:
    """For each module call, the calls around and with it, each by its name in the one around: ``h.0/attn``.

    ``#2`` marks the second call of a module in the same call around it, ``#again`` what checkpointing runs again.
    """
    own: list[str] = []
    calls: Counter[tuple[int | None, str, bool]] = Counter()
    for scope in graph.scopes:
        calls[scope.parent, scope.path, scope.recomputed] += 1
        number = calls[scope.parent, scope.path, scope.recomputed]
        again = "#again" if scope.recomputed else ""
        own.append(f"{own_name(graph, scope)}{again}{f'#{number}' if number > 1 else ''}")
    return [
        "/".join(own[index] for index in reversed(list(scopes_above(graph, scope.index))) if index)
        for scope in graph.scopes
    ]


def own_name(graph: Graph, scope: Scope) -> str:
    """What a module is called in the one around it; a slash or a semicolon would open another namespace."""
    around = "" if scope.parent is None else graph.scopes[scope.parent].path
    path = scope.path.removeprefix(f"{around}.") if around else scope.path
    return (path or scope.class_name).replace("/", "_").replace(";", "_")


def edges(graph: Graph) -> dict[int, list[dict[str, str]]]:
    """For each operation, the edges that lead to it."""
    given = {reference.storage: number for number, (_, reference) in reversed(list(enumerate(graph.inputs)))}
    found: dict[int, list[dict[str, str]]] = {}
    fed: set[tuple[int, int]] = set()
    for flow in flows(graph):
        operation = graph.operations[flow.target]
        source = outlet(graph.operations[flow.source], flow.tensor)
        found.setdefault(flow.target, []).append(edge(operation_id(flow.source), source, inlet(operation, flow.tensor)))
        fed.add((flow.target, flow.tensor.value))
    for operation in graph.operations:
        for place, tensor in enumerate(operands_of(operation)):
            if tensor.storage in given and (operation.index, tensor.value) not in fed:
                found.setdefault(operation.index, []).append(edge(f"input:{given[tensor.storage]}", 0, place))
    return found


def edge(source: str, outlet: int, inlet: int) -> dict[str, str]:
    """One incoming edge."""
    return {"sourceNodeId": source, "sourceNodeOutputId": str(outlet), "targetNodeInputId": str(inlet)}


def outlet(operation: Operation, tensor: TensorRef) -> int:
    """Which result of *operation* is *tensor*; the first where it is one that was written."""
    values = [result.value if isinstance(result, TensorRef) else None for result in flat_results(operation)]
    return values.index(tensor.value) if tensor.value in values else 0


def inlet(operation: Operation, tensor: TensorRef) -> int:
    """Which operand of *operation* is *tensor*."""
    return [operand.value for operand in operands_of(operation)].index(tensor.value)


def tensor_metadata(place: int, tensor: TensorRef) -> dict[str, Any]:
    """What is told of an output."""
    return {"id": str(place), "attrs": [{"key": "tensor_shape", "value": tensor.spec.text}]}


def attributes(graph: Graph, operation: Operation) -> list[dict[str, str]]:
    """What is told of an operation."""
    source, timing = source_of(graph, operation), graph.timing
    told = {
        "operation": operation.name,
        "phase": operation.phase,
        "module": graph.scopes[operation.scope].path or None,
        "flops": operation.flops,
        "seconds": None if timing is None else f"{timing.seconds[operation.index]:.3g}",
        "source": None if source is None else f"{source.file}:{source.line}",
    }
    return [{"key": key, "value": str(value)} for key, value in told.items() if value is not None]


def group_attributes(graph: Graph) -> dict[str, dict[str, str]]:
    """What is told of module calls, by the namespace of the forward pass."""
    rows = {layer.path: layer for layer in layers(graph)}
    found: dict[str, dict[str, str]] = {}
    for scope, name in zip(graph.scopes, namespaces_of(graph), strict=True):
        row = rows[scope.path]
        found["/".join(part for part in ("forward", name) if part)] = {
            "class": row.class_name,
            "parameters": f"{row.parameters:,}",
            "flops": str(row.flops),
            "bytes moved": str(row.bytes_moved),
        }
    return found
