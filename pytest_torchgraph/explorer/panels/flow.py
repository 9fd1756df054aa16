"""Tensors: what goes into the module and who made it, what comes out and who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.flow import latest
from pytest_torchgraph.analysis.layer import Ends
from pytest_torchgraph.explorer.block import Block, Heading, Line, Missing, line
from pytest_torchgraph.explorer.panels.chosen import Chosen, not_called, title_of, without_run
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.module import Scope
    from pytest_torchgraph.recorded.operation import Operation
    from pytest_torchgraph.recorded.tensor import TensorRef

MOST = 12
MOST_READERS = 4


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    title, graph = title_of(chosen), subject.graph
    if graph is None:
        return title, *without_run(subject, "no tensor flow")
    missing = not_called(subject, chosen)
    if missing is not None:
        return title, *missing
    path = chosen.first.path
    if path not in subject.layers:
        return title, Missing("never called itself", "It only holds others: choose one of them.")
    scope = next(graph.scopes[index] for index in subject.calls_beneath[path] if graph.scopes[index].path == path)
    flow = Flow(subject, graph, scope)
    first = "" if subject.layers[path].calls < 2 else "of the first call"
    return (
        title,
        Heading("comes in", first),
        *flow.incoming(),
        Heading("goes out", first),
        *flow.outgoing(),
        Heading("inside"),
        *flow.inside(),
    )


class Flow:
    """What flows through one module call."""

    def __init__(self, subject: Subject, graph: Graph, scope: Scope) -> None:
        self.subject, self.graph, self.scope = subject, graph, scope
        self.ends = subject.ends or Ends(graph)
        self.names = {reference.value: name for name, reference in graph.inputs}

    def incoming(self) -> Iterator[Line]:
        """What goes in, and who made it."""
        found = self.ends.inputs(self.scope)
        for tensor in found[:MOST]:
            yield line((f"{tensor.spec.text}  ", "kind"), ("← ", "faint"), (self._origin(tensor), "name"), indent=4)
        yield from self._rest(len(found), "nothing that was made outside")

    def outgoing(self) -> Iterator[Line]:
        """What comes out, who made it and who reads it."""
        found = self.ends.outputs(self.scope)
        for tensor in found[:MOST]:
            readers = self._readers(tensor)
            told = readers[:MOST_READERS]
            more = f" and {len(readers) - len(told)} more" if len(readers) > len(told) else ""
            returned = ["what the model returns"] if self._is_output(tensor) else []
            yield line(
                (f"{tensor.spec.text}  ", "kind"),
                ("from ", "faint"),
                (self._origin(tensor, within=self.scope.path), "name"),
                (" → ", "faint"),
                (", ".join([*returned, *told]) + more or "nothing", "name"),
                indent=4,
            )
        yield from self._rest(len(found), "nothing")

    def inside(self) -> Iterator[Line]:
        """The modules that it calls, in order."""
        called = [scope for scope in self.graph.scopes if scope.parent == self.scope.index]
        for scope in called[:MOST]:
            ins = " ".join(tensor.spec.text for tensor in self.ends.inputs(scope)[:2])
            outs = " ".join(tensor.spec.text for tensor in self.ends.outputs(scope)[:2])
            name = printable(scope.path.removeprefix(f"{self.scope.path}.") if self.scope.path else scope.path)
            yield line(
                (name, "name"),
                (f" {scope.class_name}  ", "faint"),
                (ins, "kind"),
                (" → ", "faint"),
                (outs, "kind"),
                indent=4,
            )
        yield from self._rest(len(called), "no module is called inside")

    def _rest(self, count: int, nothing: str) -> Iterator[Line]:
        if not count:
            yield line((nothing, "faint"))
        elif count > MOST:
            yield line((f"and {count - MOST} more", "faint"))

    def _origin(self, tensor: TensorRef, within: str | None = None) -> str:
        end = self.scope.operations[0 if within is None else 1]
        written = [index for index in self.subject.writers.get(tensor.storage, ()) if index < end]
        maker = latest(self.ends.made.get(tensor.value), written[-1] if written else None)
        if maker is not None:
            return self._place(self.graph.operations[maker], within)
        storage = self.graph.storages[tensor.storage]
        if storage.producer is not None:
            return f"{self._place(self.graph.operations[storage.producer], within)}, read through a view"
        name = self.names.get(tensor.value) or storage.name
        return printable(f"{storage.kind} {name}" if name else storage.kind)

    def _place(self, operation: Operation, within: str | None = None) -> str:
        path = self.graph.scopes[operation.scope].path
        name = operation.packet.removeprefix("aten.")
        if within is not None and path == within:
            return printable(name)
        return printable(f"{path or 'the model'}: {name}")

    def _readers(self, tensor: TensorRef) -> list[str]:
        """Where the storage of *tensor* is read after the call, in the forward pass."""
        readers = self.subject.readers.get(tensor.storage, ())
        after = (index for index in readers if index >= self.scope.operations[1])
        return list(dict.fromkeys(self._place(self.graph.operations[index]) for index in after))

    def _is_output(self, tensor: TensorRef) -> bool:
        return any(reference.storage == tensor.storage for _, reference in self.graph.outputs)
