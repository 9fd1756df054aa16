"""Running compiled graphs node by node: each operation is told the module call and the line of its node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from torch import Tensor, fx

from pytest_torchgraph.capture.compiling.calls import FrameCalls, FrameWhere
from pytest_torchgraph.capture.compiling.nodes import (
    ModuleCall,
    is_recomputed,
    module_calls,
    sequence_number_of,
    sums_gradients,
    tell,
)
from pytest_torchgraph.capture.effect import effect_of
from pytest_torchgraph.capture.node import InGraph
from pytest_torchgraph.capture.operation import Entry, OperationMode
from pytest_torchgraph.quick import dataclass


@dataclass(slots=True)
class Opened:
    """One run of a forward graph: the scopes of its module calls, and the storages that it gave to the backward one.

    ``moved`` are the paths of the module that the graph was made of and of the one that it runs for: one graph serves
    all layers of a kind.
    """

    number: int
    run: int
    base: int
    moved: tuple[str, str]
    scopes: dict[tuple[ModuleCall, ...], int] = field(default_factory=dict)
    kept: frozenset[int] = frozenset()
    is_done: bool = False


class GraphRuns:
    """What compiled graphs do while a run is recorded; nothing is noted where none is."""

    def __init__(self) -> None:
        self.mode: OperationMode | None = None
        self.where: FrameWhere | None = None
        self.calls: FrameCalls | None = None
        self.opened: list[Opened] = []
        self.work: dict[tuple[int, bool], int] = {}
        self.made_for: dict[int, str] = {}
        self.ended: int | None = None

    def module_path(self) -> str:
        """The path of the module that runs now, as far as Python's frames tell."""
        return "" if self.calls is None else self.calls.path_now()

    def end_call(self) -> None:
        """Note that the model's call is over: what comes now is the user's own."""
        self.ended = None if self.mode is None else self.mode.identity.clock

    def times(self) -> Counter[int]:
        """How often each graph ran in this recording."""
        return Counter(one.number for one in self.opened)

    @contextmanager
    def recorded_by(self, mode: OperationMode, where: FrameWhere, calls: FrameCalls) -> Iterator[None]:
        """Tell *mode* of the graphs that run while the context is open."""
        self.mode, self.where, self.calls, self.opened = mode, where, calls, []
        where.calls = calls
        try:
            yield
        finally:
            self.mode = self.where = self.calls = where.calls = None

    def unboxed(self, module: fx.GraphModule, number: int) -> Callable[..., Any]:
        """What runs *module*, the ``number``-th graph, given its inputs as arguments."""

        def run(*inputs: Any) -> Any:
            return self._run(module, number, list(inputs), is_backward=False)

        return run

    def boxed(self, module: fx.GraphModule, number: int, *, is_backward: bool) -> Callable[..., Any]:
        """What runs *module*, given its inputs in a list that it empties: none lives longer than it is needed."""

        def run(inputs: list[Any]) -> Any:
            return self._run(module, number, inputs, is_backward=is_backward)

        run._boxed_call = True  # type: ignore[attr-defined]
        return run

    def _run(self, module: fx.GraphModule, number: int, inputs: list[Any], *, is_backward: bool) -> Any:
        mode, where, calls = self.mode, self.where, self.calls
        if mode is None or where is None or calls is None:
            return fx.Interpreter(module).boxed_run(inputs)
        opened = self._behind(number, inputs) if is_backward else self._open(number, calls)
        if not is_backward:
            self.opened.append(opened)
        runner = NodeRunner(module, mode, where, calls, opened)
        before, begun = where.inside, len(mode.log)
        try:
            outputs = runner.boxed_run(inputs)
        finally:
            where.inside = before
        if not is_backward:
            opened.kept = storages_of(outputs)
        self.work[number, is_backward] = sum(map(does_work, mode.log[begun:]))
        return outputs

    def _open(self, number: int, calls: FrameCalls) -> Opened:
        base = calls.now()
        return Opened(number, len(self.opened), base, (self.made_for.get(number, ""), calls.scopes[base].path))

    def _behind(self, number: int, inputs: list[Any]) -> Opened:
        """The run of the forward graph that this backward run is for: the one that made most of its inputs."""
        read = storages_of(inputs)
        waiting = [one for one in self.opened if one.number == number and not one.is_done]
        found = max(waiting, key=lambda one: (len(one.kept & read), one.run), default=None)
        if found is None:
            return Opened(number, -1, 0, ("", ""))
        found.is_done = True
        return found


class NodeRunner(fx.Interpreter):
    """Runs one graph, each node in the scope of its module call."""

    def __init__(
        self, module: fx.GraphModule, mode: OperationMode, where: FrameWhere, calls: FrameCalls, opened: Opened
    ) -> None:
        super().__init__(module)
        self.mode = mode
        self.where = where
        self.calls = calls
        self.opened = opened
        self.makes_node = keeps_values(module.graph)

    def run_node(self, n: fx.Node) -> Any:
        """The value of the node *n*; what it dispatches is told to come from there."""
        if n.op in ("placeholder", "output", "get_attr"):
            return super().run_node(n)
        self.where.inside = self._scope_of(module_calls(n))
        log = self.mode.log
        begun = len(log)
        value = super().run_node(n)
        if len(log) > begun:
            inside = InGraph(
                self.opened.number,
                self.opened.run,
                sequence_number_of(n),
                recomputed=is_recomputed(n),
                sums_gradients=sums_gradients(n),
                makes_node=self.makes_node,
            )
            tell(log, begun, n, inside)
        return value

    def _scope_of(self, calls: tuple[ModuleCall, ...]) -> int:
        scopes = self.opened.scopes
        if not calls:
            return self.opened.base
        scope = scopes.get(calls)
        if scope is None:
            parent, call = self._scope_of(calls[:-1]), calls[-1]
            path = moved(self.calls.path_behind(call.key) or call.path, *self.opened.moved)
            module = self.calls.module_at(path)
            training = None if module is None else module.training
            scope = scopes[calls] = self.calls.begin(parent, path, call.class_name, training)
        return scope


def moved(path: str, before: str, after: str) -> str:
    """*path* of a module inside of *before*, as it is inside of *after*."""
    if before == after or not path.startswith(f"{before}."):
        return path
    return f"{after}{path[len(before) :]}"


def keeps_values(graph: fx.Graph) -> bool:
    """Whether *graph* hands out values that are kept for a backward graph."""
    told = graph.output_node().meta.get("desc") or ()
    return any(type(one).__name__.startswith("SavedForBackwards") for one in told)


def does_work(logged: tuple[Any, ...]) -> bool:
    """Whether the operation launches a kernel."""
    return not effect_of(Entry._make(logged)).is_view


def storages_of(values: Any) -> frozenset[int]:
    """The storages of all tensors among *values*."""
    found = set()
    for value in values if isinstance(values, (list, tuple)) else [values]:
        if isinstance(value, Tensor):
            try:
                found.add(value.untyped_storage()._cdata)
            except (RuntimeError, NotImplementedError):
                continue
    return frozenset(found)
