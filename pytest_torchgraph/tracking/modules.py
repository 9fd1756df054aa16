"""Module calls as nodes: forward, backward, and what flows between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.flow import Flow
from pytest_torchgraph.analysis.layer import Ends
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.tracking.node import GraphEdge, GraphNode, OperationType

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.module import Scope
    from pytest_torchgraph.tracking.settings import Settings


RUN = "run"
"""The name of what is no module call: the user's own code around the calls of the model."""


def run_around(graph: Graph) -> int | None:
    """The scope that is the user's own code, where it called the model itself; else the first is the model's call."""
    return 0 if any(scope.path == "" for scope in graph.scopes[1:]) else None


def module_id(scope: int) -> str:
    """The id of a module call."""
    return f"module:{scope}"


def backward_id(scope: int) -> str:
    """The id of a module call's backward pass."""
    return f"backward:{scope}"


class Modules:
    """The module calls of one graph."""

    def __init__(self, graph: Graph, taken: dict[int, int] | None, settings: Settings) -> None:
        self.graph = graph
        self.taken = taken
        self.settings = settings
        self.above = [tuple(scopes_above(graph, scope.index)) for scope in graph.scopes]
        self.callers = {scope.parent for scope in graph.scopes}
        self.backward = self._backward_operations()
        self.parameters = own_parameters(graph)
        self.around = run_around(graph)
        self._names: Counter[str] = Counter()

    def nodes(self) -> Iterator[GraphNode]:
        """One node for each module call, one more for each that has a backward pass."""
        ends = Ends(self.graph)
        for scope in self.graph.scopes:
            yield self._forward(scope, ends)
        for index in sorted(self.backward):
            yield self._backward(self.graph.scopes[index], self.backward[index])

    def edges(self, found: list[Flow]) -> Iterator[GraphEdge]:
        """What flows between module calls, each two of them once."""
        seen: set[tuple[str, str]] = set()
        for flow in found:
            edge = self._edge(flow)
            if edge is not None and (edge.source_id, edge.target_id) not in seen:
                seen.add((edge.source_id, edge.target_id))
                yield edge

    def _forward(self, scope: Scope, ends: Ends) -> GraphNode:
        timing = self.graph.timing
        is_layer = scope.parent is not None and scope.index not in self.callers
        span = None if timing is None else timing.scopes[scope.index]
        own = {**self.settings.get(scope.path, {}), **self.parameters.get(scope.path, {})}
        return GraphNode(
            id=module_id(scope.index),
            name=self._name(scope),
            operation_type=OperationType.LAYER_OP if is_layer else OperationType.FORWARD,
            module_name=scope.path,
            input_shapes=[tensor.spec.shape for tensor in ends.inputs(scope)],
            output_shapes=[tensor.spec.shape for tensor in ends.outputs(scope)],
            parameters=own,
            execution_time=None if span is None else span.seconds,
            memory_usage=self._taken(range(*scope.operations)),
            metadata={
                "class": scope.class_name,
                "within": None if scope.parent is None else module_id(scope.parent),
                "operations": list(scope.operations),
                "recomputed": scope.recomputed,
            },
            timestamp=None if span is None else span.start,
        )

    def _backward(self, scope: Scope, operations: list[int]) -> GraphNode:
        timing = self.graph.timing
        return GraphNode(
            id=backward_id(scope.index),
            name=f"{self._own_name(scope)} backward",
            operation_type=OperationType.BACKWARD,
            module_name=scope.path,
            execution_time=None if timing is None else timing.of(operations),
            memory_usage=self._taken(operations),
            metadata={
                "class": scope.class_name,
                "within": None if scope.parent is None else backward_id(scope.parent),
                "forward": module_id(scope.index),
                "operations": len(operations),
            },
            timestamp=None if timing is None else timing.operations[operations[0]].start,
        )

    def _own_name(self, scope: Scope) -> str:
        return RUN if scope.index == self.around else scope.path or scope.class_name

    def _name(self, scope: Scope) -> str:
        name = self._own_name(scope)
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}#{self._names[name]}"

    def _taken(self, operations: Any) -> int | None:
        return None if self.taken is None else sum(self.taken.get(index, 0) for index in operations)

    def _backward_operations(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for operation in self.graph.operations:
            if operation.phase == BACKWARD:
                for scope in self.above[operation.scope]:
                    found.setdefault(scope, []).append(operation.index)
        return found

    def _edge(self, flow: Flow) -> GraphEdge | None:
        """The edge between the outermost module calls that hold one end of *flow* and not the other."""
        source, target = self.graph.operations[flow.source], self.graph.operations[flow.target]
        if source.phase != target.phase or source.scope == target.scope:
            return None
        above, others = self.above[source.scope], self.above[target.scope]
        left = next((scope for scope in reversed(above) if scope not in others), None)
        right = next((scope for scope in reversed(others) if scope not in above), None)
        if left is None or right is None:
            return None
        is_backward = source.phase == BACKWARD
        name = backward_id if is_backward else module_id
        kind = "gradient_flow" if is_backward else "data_flow"
        return GraphEdge(name(left), name(right), kind, flow.tensor.spec.shape)


def scopes_above(graph: Graph, scope: int) -> Iterator[int]:
    """A module call and each one around it, innermost first."""
    above: int | None = scope
    while above is not None:
        yield above
        above = graph.scopes[above].parent


def own_parameters(graph: Graph) -> dict[str, dict[str, Any]]:
    """For each module its own parameters: shape and dtype by name."""
    found: dict[str, dict[str, Any]] = {}
    for storage in graph.storages:
        if storage.kind == "parameter" and storage.name:
            path, _, name = storage.name.rpartition(".")
            found.setdefault(path, {})[name] = {"shape": list(storage.spec.shape), "dtype": storage.spec.dtype}
    return found
