"""What each module does and costs: operations, shapes, time, FLOPs, bytes, parameters, its share of the peak."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.cost import costs_by_module, paths_above
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import operands_of, tensors_in
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.tally import Total
    from pytest_torchgraph.recorded.module import Scope
    from pytest_torchgraph.recorded.record import Record
    from pytest_torchgraph.recorded.tensor import Storage, TensorRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A module, all its calls together and with everything inside it; the first is the whole run.

    ``inputs`` and ``outputs`` are those of its first call (``f32[2,16]``). ``forward_seconds`` are of its operations,
    Python between them apart; ``backward_seconds`` of those that it caused. ``peak_bytes`` of what is alive at the peak
    belong to it or were made in it; ``None`` where that is not known.
    """

    path: str
    class_name: str
    depth: int
    calls: int
    operations: int
    forward_operations: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    forward_seconds: float | None
    backward_seconds: float | None
    flops: Total
    bytes_moved: Total
    parameters: int
    parameter_bytes: int
    peak_bytes: int | None
    share_of_peak: float | None


def layers(graph: Record) -> tuple[Layer, ...]:
    """One for each module, in the order of the first calls."""
    root = graph.scopes[0]
    first = {scope.path: scope for scope in reversed(graph.scopes)} | {root.path: root}
    calls = Counter(scope.path for scope in graph.scopes if not scope.recomputed)
    costs = {(row.name if index else root.path): row for index, row in enumerate(costs_by_module(graph))}
    forward, backward = seconds_by_module(graph, FORWARD), seconds_by_module(graph, BACKWARD)
    held, peak = parameters_by_module(graph), peak_by_module(graph)
    forward_operations = forward_operations_by_module(graph)
    ends = Ends(graph)
    return tuple(
        Layer(
            path=path,
            class_name=first[path].class_name,
            depth=depth_of(graph, first[path]),
            calls=calls[path],
            operations=cost.operations,
            forward_operations=forward_operations[path],
            inputs=texts(ends.inputs(first[path])),
            outputs=texts(ends.outputs(first[path])),
            forward_seconds=None if forward is None else forward.get(path, 0.0),
            backward_seconds=None if backward is None else backward.get(path, 0.0),
            flops=cost.flops,
            bytes_moved=cost.bytes_moved,
            parameters=sum(map(elements, held.get(path, ()))),
            parameter_bytes=sum(storage.bytes or 0 for storage in held.get(path, ())),
            peak_bytes=None if peak is None else peak[path],
            share_of_peak=None if peak is None else peak[path] / max(graph.memory.peak, 1),
        )
        for path, cost in costs.items()
    )


def depth_of(graph: Record, scope: Scope) -> int:
    """How many module calls are around *scope*."""
    return sum(1 for _ in paths_above(graph, scope.index)) - 1


def texts(tensors: Iterable[TensorRef]) -> tuple[str, ...]:
    """*tensors* as ``f32[2,16]``."""
    return tuple(tensor.spec.text for tensor in tensors)


def elements(storage: Storage) -> int:
    """How many numbers a parameter holds."""
    return math.prod(max(size, 0) for size in storage.spec.shape)


def forward_operations_by_module(graph: Record) -> Counter[str]:
    """How many operations of the forward pass do work inside each module."""
    return Counter(
        path
        for operation in graph.operations
        if operation.phase == FORWARD and not operation.is_view
        for path in paths_above(graph, operation.scope)
    )


def seconds_by_module(graph: Record, phase: str) -> dict[str, float] | None:
    """Seconds of the operations of *phase* inside each module; ``None`` where the graph was not timed."""
    if graph.timing is None:
        return None
    found: dict[str, float] = {}
    for operation, seconds in zip(graph.operations, graph.timing.seconds, strict=True):
        if operation.phase == phase:
            for path in paths_above(graph, operation.scope):
                found[path] = found.get(path, 0.0) + seconds
    return found


def parameters_by_module(graph: Record) -> dict[str, list[Storage]]:
    """The parameters in each module, by the names they have; one with several names is where the first one says."""
    found: dict[str, list[Storage]] = {}
    for storage in graph.storages:
        if storage.kind == "parameter" and storage.name:
            for path in prefixes(storage.name):
                found.setdefault(path, []).append(storage)
    return found


def prefixes(name: str) -> Iterator[str]:
    """``"a.b.weight"`` -> ``""``, ``"a"``, ``"a.b"``."""
    yield ""
    parts = name.split(".")[:-1]
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def peak_by_module(graph: Record) -> Counter[str] | None:
    """Bytes alive at the peak: what is named, in the module of its name; the rest, where it was made."""
    if graph.memory.lives is None:
        return None
    found: Counter[str] = Counter()
    for life in graph.memory.alive():
        for path in homes(graph, graph.storages[life.storage]):
            found[path] += life.bytes
    return found


def homes(graph: Record, storage: Storage) -> Iterator[str]:
    """The module that *storage* belongs to or was made in, and those around it."""
    if storage.producer is not None:
        yield from paths_above(graph, graph.operations[storage.producer].scope)
    elif storage.is_leaf and storage.name:
        name = storage.name.rpartition(".")[0] if storage.kind in {"gradient", "state"} else storage.name
        yield from prefixes(name)
    else:
        yield ""


class Ends:
    """What goes into module calls and comes out of them."""

    def __init__(self, graph: Record) -> None:
        self.graph = graph
        self.made: dict[int, int] = {}
        self.last_read: dict[int, int] = {reference.value: len(graph.operations) for _, reference in graph.outputs}
        for operation in graph.operations:
            for tensor in tensors_in(operation.results):
                self.made.setdefault(tensor.value, operation.index)
            if operation.phase == FORWARD:
                for tensor in operands_of(operation):
                    self.last_read[tensor.value] = max(self.last_read.get(tensor.value, 0), operation.index)

    def inputs(self, scope: Scope) -> list[TensorRef]:
        """The tensors that are read in *scope* and were made outside, what modules hold apart."""
        start, end = scope.operations
        found: dict[int, TensorRef] = {}
        for operation in self.graph.operations[start:end]:
            for tensor in operands_of(operation):
                if self.made.get(tensor.value, -1) < start and not self.graph.storages[tensor.storage].is_leaf:
                    found.setdefault(tensor.value, tensor)
        return list(found.values())

    def outputs(self, scope: Scope) -> list[TensorRef]:
        """The tensors that are made in *scope* and read after it; the last one where none is."""
        start, end = scope.operations
        made = {
            tensor.value: tensor
            for operation in self.graph.operations[start:end]
            if operation.phase == FORWARD
            for tensor in tensors_in(operation.results)
        }
        given = [tensor for value, tensor in made.items() if self.last_read.get(value, -1) >= end]
        return given or list(made.values())[-1:]
