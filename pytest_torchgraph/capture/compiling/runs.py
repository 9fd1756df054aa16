"""``trace(..., compiled=True)``: a model compiled, run, and recorded with what the compiler made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from torch import Tensor

from pytest_torchgraph.capture.binding import fresh_arguments
from pytest_torchgraph.capture.compiling.graphs import Graphs, TakenGraph
from pytest_torchgraph.capture.compiling.listening import Heard, listening
from pytest_torchgraph.capture.compiling.running import GraphRuns
from pytest_torchgraph.capture.compiling.session import (
    NotCompiled,
    clean_compiler,
    compiled,
    compiled_by_nobody,
    options_of,
    require_compiler,
    require_switched_on,
)
from pytest_torchgraph.capture.recording import Recording, recorded
from pytest_torchgraph.capture.target import Target, holdings_of
from pytest_torchgraph.capture.tracing import Runs, named_inputs
from pytest_torchgraph.capture.unfinished import called
from pytest_torchgraph.graph.compilation import Compilation, CompiledGraph
from pytest_torchgraph.graph.graph import Graph
from pytest_torchgraph.graph.phase import FORWARD


class CompiledRuns(Runs):
    """Calls of a target that is compiled: the first one compiles, the second is recorded, others find recompiles."""

    graphs: Graphs | None = None
    function: Callable[..., Any] | None = None

    def __call__(self) -> Graph:
        """The graph of the second call with the same inputs, and what the compiler made of it and of other inputs."""
        self._warm_up_once()
        with self._compiling() as (graphs, heard):
            self.recording()
            kept = self.recording()
            times, ended = graphs.runs.times(), graphs.runs.ended
            self._call_with_others()
        if not heard.has_begun:
            raise NotCompiled(f"PyTorch compiled nothing of {self.target.class_name}: no function of it was tried")
        graph = kept.graph
        compilation = Compilation(
            backend=graphs.backend,
            graphs=tuple(graph_of(taken, graph, graphs.runs, times[taken.number], heard) for taken in graphs.taken),
            breaks=tuple(heard.breaks),
            recompiles=heard.recompiles,
            uncompiled=uncompiled(graph, ended),
        )
        return replace(graph, compilation=compilation)

    def _warm_up_once(self) -> None:
        if self.is_cold:
            self.is_cold = False
            self._warm_up()

    def _call_with_others(self) -> None:
        own = self.args, self.kwargs
        try:
            for self.args, self.kwargs in self.options.others:
                self.recording()
        finally:
            self.args, self.kwargs = own

    def _call(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = called(target, args, kwargs)
        if self.graphs is not None:
            self.graphs.runs.end_call()
        return output

    @contextmanager
    def _compiling(self) -> Iterator[tuple[Graphs, Heard]]:
        require_compiler()
        require_switched_on()
        assert self.target.function is not None
        assert self.options.backend is not None
        runs = GraphRuns()
        graphs = Graphs(self.options.backend, runs)
        torch_options = options_of(dynamic=self.options.dynamic, fullgraph=self.options.fullgraph)
        modules = holdings_of(self.target.roots).modules
        with clean_compiler(), compiled_by_nobody(modules), listening(runs.module_path) as heard:
            self.graphs, self.function = graphs, compiled(self.target.function, graphs, torch_options)
            try:
                yield graphs, heard
            finally:
                self.graphs = self.function = None

    def _recorded(self, *args: Any, **options: Any) -> AbstractContextManager[Recording]:
        return recorded(*args, **options, graphs=None if self.graphs is None else self.graphs.runs)

    def _prepared(self) -> tuple[Callable[[], Any], list[tuple[str, Tensor]]]:
        if self.function is None:
            return super()._prepared()
        assert self.target.function is not None
        args, kwargs = self.args, self.kwargs
        if self.state is not None:
            args, kwargs = fresh_arguments(args, kwargs)
        target = Target(self.function, self.target.class_name, self.target.roots)
        return partial(self._call, target, args, kwargs), list(named_inputs(self.target.function, args, kwargs))


def uncompiled(graph: Graph, ended: int | None) -> int:
    """How many operations of the model's call, which *ended* there, do work and ran in no compiled graph."""
    call = graph.operations[:ended]
    return sum(one.graph is None and one.phase == FORWARD and not one.is_view for one in call)


def graph_of(taken: TakenGraph, graph: Graph, runs: GraphRuns, times: int, heard: Heard) -> CompiledGraph:
    """The record of one graph."""
    recomputed = (one for one in graph.operations if one.graph == taken.number and one.recomputed and not one.is_view)
    return CompiledGraph(
        number=taken.number,
        module=taken.module,
        line=taken.line,
        forward=runs.work.get((taken.number, False), 0),
        backward=runs.work.get((taken.number, True)),
        recomputed=sum(1 for _ in recomputed),
        dynamic=taken.dynamic,
        runs=times,
        guards=heard.guards.get(taken.frame),
    )
