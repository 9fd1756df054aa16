"""PyTorch's compiler at work on one model: what runs in the model's place, and what was made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_torchgraph.capture.compiling.graphs import Graphs, TakenGraph
from pytest_torchgraph.capture.compiling.listening import Heard, listening
from pytest_torchgraph.capture.compiling.options import CompileOptions
from pytest_torchgraph.capture.compiling.running import GraphRuns
from pytest_torchgraph.capture.compiling.session import (
    NotCompiled,
    clean_compiler,
    compiled,
    compiled_by_nobody,
    require_compiler,
)
from pytest_torchgraph.capture.target import Target, holdings_of
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import Compilation, CompiledGraph
from pytest_torchgraph.recorded.phase import FORWARD


@dataclass(frozen=True, slots=True)
class Ran:
    """What one recorded call ran: each graph how often, and how many operations there were when the call was over."""

    times: dict[int, int]
    ended: int | None


class Compiler:
    """The compiler at work on one target; ``runs`` are its graphs while they run."""

    def __init__(self, target: Target, graphs: Graphs, heard: Heard, function: Callable[..., Any]) -> None:
        self.graphs = graphs
        self.runs: GraphRuns = graphs.runs
        self.heard = heard
        self.name = target.class_name
        self.function = function
        self.target = Target(self._call, target.class_name, target.roots)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        output = self.function(*args, **kwargs)
        self.runs.end_call()
        return output

    def ran(self) -> Ran:
        """What the call did that was recorded last."""
        return Ran(dict(self.runs.times()), self.runs.ended)

    def compilation(self, graph: Graph, ran: Ran) -> Compilation:
        """What the compiler made of the model; *graph* is the call that *ran* so."""
        if not self.heard.has_begun:
            raise NotCompiled(f"PyTorch compiled nothing of {self.name}: none of its functions was tried")
        return Compilation(
            backend=self.graphs.backend,
            graphs=tuple(self._graph(taken, graph, ran) for taken in self.graphs.taken),
            breaks=tuple(self.heard.breaks),
            recompiles=self.heard.recompiles,
            uncompiled=uncompiled(graph, ran.ended),
        )

    def _graph(self, taken: TakenGraph, graph: Graph, ran: Ran) -> CompiledGraph:
        own = (one for one in graph.operations if one.graph == taken.number)
        return CompiledGraph(
            number=taken.number,
            module=taken.module,
            line=taken.line,
            forward=self.runs.work.get((taken.number, False), 0),
            backward=self.runs.work.get((taken.number, True)),
            recomputed=sum(one.recomputed and not one.is_view for one in own),
            dynamic=taken.dynamic,
            runs=ran.times.get(taken.number, 0),
            guards=self.heard.guards.get(taken.frame),
        )


@contextmanager
def compiling(target: Target, options: CompileOptions) -> Iterator[Compiler]:
    """The compiler at work on *target* while the context is open, from a clean start."""
    require_compiler()
    assert target.function is not None
    runs = GraphRuns()
    graphs = Graphs(options.backend, runs)
    modules = holdings_of(target.roots).modules
    with clean_compiler(), compiled_by_nobody(modules), listening(runs.module_path) as heard:
        yield Compiler(target, graphs, heard, compiled(target.function, graphs, **options.for_torch))


@contextmanager
def generating(target: Target, options: CompileOptions) -> Iterator[tuple[Callable[..., Any], Heard]]:
    """*target* as inductor compiles it, code and all, and what is heard of it while the context is open."""
    assert target.function is not None
    modules = holdings_of(target.roots).modules
    with clean_compiler(), compiled_by_nobody(modules), listening(str) as heard:
        yield compiled(target.function, "inductor", **options.for_torch), heard


def uncompiled(graph: Graph, ended: int | None) -> int:
    """How many operations of the model's call, which *ended* there, do work and ran in no compiled graph."""
    call = graph.operations[:ended]
    return sum(one.graph is None and one.phase == FORWARD and not one.is_view for one in call)
