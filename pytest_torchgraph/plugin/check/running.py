"""How a test runs its models: options refused before, watchers while it runs, notes for the summary after."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from inspect import Parameter, signature
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.plugin.check.ranks import rank_of_several, traced_equally
from pytest_torchgraph.plugin.location import address
from pytest_torchgraph.plugin.session import coverage, events, terminal
from pytest_torchgraph.recorded.note import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import ModuleType
    from typing import TypedDict

    from pytest_torchgraph.capture.compiling.options import CompileOptions
    from pytest_torchgraph.capture.recording import Recording
    from pytest_torchgraph.capture.step import Backward, Stepping
    from pytest_torchgraph.capture.watching import Watcher
    from pytest_torchgraph.plugin.settings import Settings
    from pytest_torchgraph.recorded.compilation import Backend

    class RecordOptions(TypedDict, total=False):
        """What ``pytest_torchgraph.record`` takes by keyword."""

        verify: bool
        timing: bool
        rank_timeout: float

    class TraceOptions(TypedDict, total=False):
        """What ``pytest_torchgraph.trace`` takes by keyword."""

        warmup: int
        restore: bool
        backward: Backward
        optimizer: Stepping
        verify: bool
        timing: int
        allocator: bool
        world_size: int | None
        rank: int
        rank_timeout: float
        fake: bool
        compiled: bool | Backend | CompileOptions


PACKAGE = __name__.partition(".")[0]
FOLDER = str(Path(__file__).parents[2]) + os.sep


NO_INPUTS: Any = object()
EXPORTED, OPTIONS, TRACING = (f"pytest_torchgraph.capture.{name}" for name in ("exported", "options", "tracing"))
"""Rooms that know PyTorch, which comes with the first recording."""


class Runs:
    """The runs of one test: its watchers see them all, and what a graph has to say is told once."""

    def __init__(self, item: pytest.Item, settings: Settings) -> None:
        self.watchers: list[Watcher] = []
        self._item = item
        self._settings = settings
        self._told: set[str] = set()

    @contextmanager
    def observed(
        self, model: Any, args: Any, kwargs: Mapping[str, Any] | None, trace_options: Mapping[str, Any]
    ) -> Iterator[tuple[Graph, Callable[[], Graph] | None]]:
        """The graph to check, and how to trace it again; ``None`` where that is impossible or was ruled out."""
        __tracebackhide__ = True
        if isinstance(model, Graph):
            if args is not NO_INPUTS or kwargs is not None or trace_options:
                raise TypeError("torch_graph.check(graph) takes no inputs and no trace options: the graph is recorded.")
            yield model, None
            return
        if isinstance(kwargs, str):
            raise TypeError(
                f"torch_graph.check(model, args, kwargs): {kwargs!r} is no mapping of keyword arguments; "
                f"the name of a snapshot is given as name={kwargs!r}."
            )
        if args is NO_INPUTS and kwargs is None and not import_module(EXPORTED).is_exported(model):
            raise TypeError(f"torch_graph.check({type(model).__name__}) needs the inputs: check(model, args).")
        with self.repeated(model, () if args is NO_INPUTS else args, kwargs, trace_options) as again:
            if trace_options.get("warmup") or trace_options.get("compiled"):
                yield again(), None
            else:
                yield (again(), again) if rank_of_several() is None else traced_equally(again)

    @contextmanager
    def repeated(
        self, model: Any, args: Any, kwargs: Mapping[str, Any] | None, trace_options: Mapping[str, Any]
    ) -> Iterator[Callable[[], Graph]]:
        """What traces *model* each time it is called; everything is put back when the context closes."""
        __tracebackhide__ = True
        chosen = self._verified(trace_options)
        tracing, options = import_module(TRACING), import_module(OPTIONS)
        with tracing.repeated(model, args, kwargs, options.Options(**chosen)) as run:
            yield partial(self._traced, run, verified=bool(chosen.get("verify")))

    def _verified(self, trace_options: Mapping[str, Any]) -> dict[str, Any]:
        """*trace_options*, verifying where the command line asks for it; what is timed, fake or compiled cannot be."""
        excluded = any(map(trace_options.get, ("timing", "fake", "compiled")))
        asked = self._settings.verifying and not excluded
        return {"verify": True, **trace_options} if asked else dict(trace_options)

    def _traced(self, run: Callable[[], Graph], *, verified: bool) -> Graph:
        __tracebackhide__ = True
        with self._watched(), terminal.progress(self._item.config):
            graph = run()
        if graph.notes or verified:
            self._tell(graph, verified=verified)
        if self._settings.covering:
            coverage.note(self._item.config, self._item.nodeid, graph)
        return graph

    @contextmanager
    def recorded(self, model: Any, trace_options: Mapping[str, Any]) -> Iterator[Recording]:
        """A recording of whatever runs in the context."""
        chosen = self._verified(trace_options)
        recording: AbstractContextManager[Recording] = capture().record(model, **chosen)
        with self._watched(), terminal.progress(self._item.config), recording as opened:
            yield opened
        self._tell(opened.graph, verified=bool(chosen.get("verify")))
        if self._settings.covering:
            coverage.note(self._item.config, self._item.nodeid, opened.graph)

    def _watched(self) -> AbstractContextManager[None]:
        watched: AbstractContextManager[None] = watching().watching(*self.watchers) if self.watchers else nullcontext()
        return watched

    def _tell(self, graph: Graph, *, verified: bool) -> None:
        """Show in the summary what *graph* has to say, once: a check traces more than once."""
        notes = tuple(str(note) for note in graph.notes if isinstance(note, Told) and note not in self._told)
        what: events.Aside = "verified" if verified and "verified" not in self._told else "noted"
        if notes or what == "verified":
            self._told.update((*notes, what))
            events.note(self._item, address(self._item, ""), what, notes=notes)


def compile_options(more_args: tuple[Any, ...], **options: Any) -> CompileOptions:
    """The options of a compiled check, *more_args* being what each further call is given."""
    __tracebackhide__ = True
    capture()
    room = import_module("pytest_torchgraph.capture.compiling.options")
    as_call = import_module("pytest_torchgraph.capture.binding").as_call
    made: CompileOptions = room.CompileOptions(others=tuple(as_call(each, None) for each in more_args), **options)
    return made


def capture() -> ModuleType:
    """The package with ``trace`` and ``record``; where PyTorch is absent, that becomes one line."""
    __tracebackhide__ = True
    if not _has_torch():
        pytest.fail(
            "torch_graph runs models, and PyTorch is not installed in this environment: pip install torch",
            pytrace=False,
        )
    return import_module(PACKAGE)


def watching() -> Any:
    """The room for what follows single operations."""
    __tracebackhide__ = True
    capture()
    return import_module("pytest_torchgraph.capture.watching")


def _has_torch() -> bool:
    try:
        return find_spec("torch") is not None
    except ModuleNotFoundError:
        return False


def require_known(name: str, given: Mapping[str, Any], *functions: Callable[..., Any]) -> None:
    """Raise ``TypeError`` for one of *given* that none of *functions*, which *name* hands them to, has."""
    __tracebackhide__ = True
    if not given:
        return
    known = [each.name for function in functions for each in signature(function).parameters.values() if _named(each)]
    for keyword in given:
        if keyword not in known:
            from pytest_torchgraph.words.nearest import nearest

            near = nearest(keyword, known).removesuffix(".")
            raise TypeError(f"torch_graph.{name}() got an unexpected keyword argument {keyword!r}{near}")


def _named(parameter: Parameter) -> bool:
    return parameter.kind is not Parameter.VAR_KEYWORD


def frames_of_others(traceback: TracebackType | None) -> TracebackType | None:
    """*traceback* without the frames of this package: a model's error reads as if the model had run by itself.

    Nor those of ``contextlib``: the contexts are this package's.
    """
    if traceback is None:
        return None
    rest = frames_of_others(traceback.tb_next)
    frame = traceback.tb_frame
    is_own = frame.f_code.co_filename.startswith(FOLDER)  # of functions, too, that have the recorder's code meanwhile
    if is_own or str(frame.f_globals.get("__name__", "")).partition(".")[0] in {PACKAGE, "contextlib"}:
        return rest
    return TracebackType(rest, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
