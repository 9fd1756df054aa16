"""A recorded run as an fx graph: what ran, operation by operation, for PyTorch's own tools."""

from __future__ import annotations

import keyword
import operator
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.fx import Graph as FxGraph
from torch.fx import GraphModule, Node

from pytest_torchgraph.capture.rebuilding import target_of, value_of
from pytest_torchgraph.capture.target import holdings_of
from pytest_torchgraph.capture.target import target_of as target_behind
from pytest_torchgraph.recorded.operation import Argument, Opaque, Operation, Packed, operands_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.record import Record
from pytest_torchgraph.recorded.tensor import TensorRef, TensorSpec

_NO_WORD = re.compile(r"\W+")


class NotBuildable(ValueError):
    """A record that no fx graph can stand for; the message names the operation, its module and its line."""


def to_fx(record: Record, model: Any = None) -> GraphModule:
    """The forward pass of *record* as a module of PyTorch's operators.

    It takes the tensors of ``record.inputs`` in their order, and returns the output where that is one tensor, a
    dictionary by path otherwise. Parameters, buffers and attributes are those of *model*, which is needed where there
    are any. Every node tells the module call (``nn_module_stack``) and the line (``stack_trace``) that it came from.
    Raises :class:`NotBuildable` where an operation reads a value that nobody names, or takes an object that no record
    holds.
    """
    return Builder(record, held_by(model)).module()


def held_by(model: Any) -> dict[str, Tensor]:
    """Parameters, buffers and attributes of *model* by path."""
    if model is None:
        return {}
    return {path: tensor for _, path, tensor in holdings_of(target_behind(model).roots).leaves}


class Builder:
    """Builds one module."""

    def __init__(self, record: Record, held: dict[str, Tensor]) -> None:
        self.record = record
        self.held = held
        self.graph = FxGraph()
        self.root = nn.Module()
        self.values: dict[int, Node] = {}
        self.bases: dict[int, tuple[Node, TensorSpec]] = {}
        self.now: Operation | None = None

    def module(self) -> GraphModule:
        """The finished module."""
        for place, (path, reference) in enumerate(self.record.inputs):
            node = self.graph.placeholder(argument_name(path, place))
            self._know(reference, node)
        phases = self._phases()
        for operation in self.record.operations:
            if operation.phase in phases and not operation.recomputed:
                self._add(operation)
        self.now = None
        named = {path: self._node(reference) for path, reference in self.record.outputs}
        self.graph.output(named[""] if list(named) == [""] else named)
        self.graph.lint()
        return GraphModule(self.root, self.graph, self.record.scopes[0].class_name)

    def _phases(self) -> set[str]:
        """The phases that the outputs come from: a model may go backward within its call."""
        producers = (self.record.storages[reference.storage].producer for _, reference in self.record.outputs)
        made = [at for at in producers if at is not None]
        if all(self.record.operations[at].phase == FORWARD for at in made):
            return {FORWARD}
        return {one.phase for one in self.record.operations[: max(made) + 1]}

    def _add(self, operation: Operation) -> None:
        self.now = operation
        given = (self._node(reference) for reference in operands_of(operation))
        nodes: Iterator[Any] = iter(list(given))
        arguments = tuple(self._value(argument, nodes) for argument in operation.arguments)
        keywords = {name: self._value(argument, nodes) for name, argument in operation.keywords}
        node = self.graph.call_function(target_in(operation, self), arguments, keywords)
        node.meta.update(meta_of(self.record, operation))
        self._results(operation, node)

    def _value(self, argument: Argument, nodes: Iterator[Any]) -> Any:
        if isinstance(argument, (Opaque, Packed)):
            what = argument.type_name if isinstance(argument, Opaque) else argument.text
            self.fail(f"it takes an object that no record holds ({what})")
        if isinstance(argument, tuple):
            return [self._value(part, nodes) for part in argument]
        return value_of(argument, nodes, iter(()))

    def _results(self, operation: Operation, node: Node) -> None:
        """Know what *node* returns by the values in the record."""
        returns = node.target._schema.returns if isinstance(node.target, torch._ops.OpOverload) else ()
        results: tuple[Argument, ...] = operation.results
        if len(returns) == 1 and not isinstance(returns[0].type, torch.ListType):
            self._result(results[0] if results else (), node)
            return
        self._result(results, node)

    def _result(self, result: Argument, node: Node) -> None:
        if isinstance(result, tuple):
            for place, part in enumerate(result):
                if isinstance(part, (tuple, TensorRef)):
                    self._result(part, self.graph.call_function(operator.getitem, (node, place)))
        elif isinstance(result, TensorRef):
            self._know(result, node)

    def _know(self, reference: TensorRef, node: Node) -> None:
        self.values[reference.value] = node
        self.bases.setdefault(reference.storage, (node, reference.spec))

    def _node(self, reference: TensorRef) -> Node:
        """What stands for *reference*: the node of its value, or another reading of its memory."""
        known = self.values.get(reference.value)
        if known is not None:
            return known
        base = self.bases.get(reference.storage)
        if base is None:
            base = self.bases[reference.storage] = self._held(reference)
        node, spec = base
        if spec != reference.spec:
            node = self._read_otherwise(node, spec, reference)
        self.values[reference.value] = node
        return node

    def _held(self, reference: TensorRef) -> tuple[Node, TensorSpec]:
        """What the model holds, by the name that the record has for it."""
        storage = self.record.storages[reference.storage]
        name = storage.name
        if name is None:
            self.fail(f"it reads {reference.spec.text}, a value from outside of the run that no name leads to")
        tensor = self.held.get(name)
        if tensor is None:
            self.fail(
                f"it reads {storage.kind} {name}, which the model does not hold: to_fx(model) takes the one traced"
            )
        attribute = f"held_{len(self.bases)}_{_NO_WORD.sub('_', name)}"
        if isinstance(tensor, nn.Parameter):
            self.root.register_parameter(attribute, tensor)
        else:
            self.root.register_buffer(attribute, tensor)
        return self.graph.get_attr(attribute), storage.spec

    def _read_otherwise(self, node: Node, spec: TensorSpec, reference: TensorRef) -> Node:
        wanted = reference.spec
        if wanted.geometry is None or (spec.dtype, spec.conj, spec.neg) != (wanted.dtype, wanted.conj, wanted.neg):
            self.fail(f"it reads {wanted.text} where {spec.text} was made, by no operation of the record")
        shape, stride = list(wanted.geometry.shape), list(wanted.geometry.stride)
        return self.graph.call_function(
            torch.ops.aten.as_strided.default, (node, shape, stride, wanted.geometry.offset)
        )

    def fail(self, what: str) -> NoReturn:
        """Raise with the operation at hand."""
        if self.now is None:
            raise NotBuildable(f"the outputs are no fx graph: {what.removeprefix('it ')}")
        scope, source = self.record.scopes[self.now.scope], self.now.source
        place = f" in {scope.path} ({scope.class_name})" if scope.path else ""
        line = f", {source.file}:{source.line}" if source else ""
        raise NotBuildable(f"{self.now.name}, operation {self.now.index}{place}{line}: {what}")


def target_in(operation: Operation, builder: Builder) -> Any:
    """The overload that ran; raises where PyTorch has none by that name."""
    try:
        found = target_of(operation)
    except AttributeError:
        found = None
    if not isinstance(found, torch._ops.OpOverload):
        builder.fail("it is no operator that an fx graph could call by its name")
    return found


def argument_name(path: str, place: int) -> str:
    """A name in Python for the input at *path*."""
    word = _NO_WORD.sub("_", path).strip("_")
    return word if word.isidentifier() and not keyword.iskeyword(word) else f"input_{place}"


def meta_of(record: Record, operation: Operation) -> dict[str, Any]:
    """Where a node came from, as ``torch.export`` says it."""
    stack = {}
    index: int | None = operation.scope
    while index is not None:
        scope = record.scopes[index]
        stack[f"{scope.path}@{scope.index}"] = (scope.path, scope.class_name)
        index = scope.parent
    source = operation.source
    trace = f'  File "{source.file}", line {source.line}, in {source.function}' if source else None
    return {"nn_module_stack": dict(reversed(stack.items())), "stack_trace": trace}
