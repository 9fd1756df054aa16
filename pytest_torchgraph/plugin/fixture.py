"""The ``torch_graph`` fixture."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.plugin import checking, coverage, events, extension, options, terminal
from pytest_torchgraph.plugin.keywords import require_known
from pytest_torchgraph.plugin.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import ModuleType

    from typing_extensions import Unpack  # PyTorch brings it; it is never imported when a test runs

    from pytest_torchgraph.capture.recording import Recording
    from pytest_torchgraph.capture.watching import Sighting, Watcher
    from pytest_torchgraph.plugin.keywords import RecordOptions, TraceOptions

NO_INPUTS: Any = object()
TOLD = ("not replayed: ", "not recorded: ", "the allocator's peak ")
"""How those notes of a graph begin that the summary shows."""
PACKAGE = __name__.partition(".")[0]


class TorchGraph:
    """Traces, records and checks for one test; ``torch_graph.check(model, inputs)`` is the usual call."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._checks: checking.Checks = {}
        self._told: set[str] = set()
        self._watchers: list[Watcher] = []

    def check(
        self,
        model: Callable[..., Any] | Graph,
        args: Any = NO_INPUTS,
        kwargs: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        compare: str | None = None,
        tolerance: Any = None,
        budget: Mapping[str, Any] | None = None,
        ignore: str | Iterable[str] = (),
        **trace_options: Unpack[TraceOptions],
    ) -> Graph:
        """Trace *model* (or take a :class:`Graph`), compare it with the stored snapshot, and hold it to its budgets.

        *args* is a tuple of arguments, a mapping of keyword arguments, or one argument. *name* tells several snapshots
        of one test apart. *compare* is ``"graph"``, ``"counts"`` or ``"budget"``; *tolerance* is how far memory may
        move; *ignore* names operations, scopes and metrics that never fail; *budget* holds limits by key. What is left
        out comes from the command line or the ini file. Everything else goes to :meth:`trace`, such as
        ``backward=loss, optimizer=optimizer``. Returns the graph that was compared.
        """
        __tracebackhide__ = True
        with checking.told_as_mistake(self._item):
            rules = Rules.of(self._item.config, compare=compare, tolerance=tolerance, ignore=ignore)
            limits = checking.limits_for(self._item, budget, rules)
            slot = None if rules.compare == "budget" else checking.claim(self._item, self._checks, name)
        try:
            with self._observed(model, args, kwargs, trace_options) as (first, again):
                return checking.check(self._item, slot, rules, limits, first, again, self._checks)
        except Exception as error:  # noqa: BLE001  raised again at once
            raise error.with_traceback(_frames_of_others(error.__traceback__)) from error.__cause__

    @contextmanager
    def _observed(
        self, model: Any, args: Any, kwargs: Mapping[str, Any] | None, trace_options: Mapping[str, Any]
    ) -> Iterator[tuple[Graph, Callable[[], Graph] | None]]:
        """The graph to check, and how to trace it again; ``None`` where that is impossible or was ruled out."""
        __tracebackhide__ = True
        if isinstance(model, Graph):
            if args is not NO_INPUTS or kwargs is not None or trace_options:
                raise TypeError("torch_graph.check(graph) takes no inputs and no trace options: the graph is recorded.")
            yield model, None
            return
        require_known("check", trace_options, self.check, _capture().trace)
        if isinstance(kwargs, str):
            raise TypeError(
                f"torch_graph.check(model, args, kwargs): {kwargs!r} is no mapping of keyword arguments; "
                f"the name of a snapshot is given as name={kwargs!r}."
            )
        if args is NO_INPUTS and kwargs is None:
            raise TypeError(f"torch_graph.check({type(model).__name__}) needs the inputs: check(model, args).")
        with self._repeated(model, () if args is NO_INPUTS else args, kwargs, trace_options) as again:
            yield again(), None if trace_options.get("warmup") else again

    def trace(
        self,
        model: Any,
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        **trace_options: Unpack[TraceOptions],
    ) -> Graph:
        """Run *model* once and return the graph of what it did; nothing is compared.

        *trace_options* are those of ``pytest_torchgraph.trace``: ``warmup``, ``restore``, ``backward``,
        ``optimizer``, ``verify``, ``allocator``, ``timing``.
        """
        __tracebackhide__ = True
        require_known("trace", trace_options, _capture().trace)
        try:
            with self._repeated(model, args, kwargs, trace_options) as run:
                return run()
        except Exception as error:  # noqa: BLE001  raised again at once
            raise error.with_traceback(_frames_of_others(error.__traceback__)) from error.__cause__

    @contextmanager
    def _repeated(
        self, model: Any, args: Any, kwargs: Mapping[str, Any] | None, trace_options: Mapping[str, Any]
    ) -> Iterator[Callable[[], Graph]]:
        """What traces *model* each time it is called; everything is put back when the context closes."""
        __tracebackhide__ = True
        chosen = self._verified(trace_options)
        tracing = _tracing()
        with tracing.repeated(model, args, kwargs, tracing.Options(**chosen)) as run:
            yield partial(self._traced, run, verified=bool(chosen.get("verify")))

    def _traced(self, run: Callable[[], Graph], *, verified: bool) -> Graph:
        """The graph of one run, with this test's watchers, counted for the coverage."""
        __tracebackhide__ = True
        with _watching(self._watchers), terminal.progress(self._item.config):
            graph = run()
        coverage.note(self._item.config, self._item.nodeid, graph)
        self._tell(graph, verified=verified)
        return graph

    def record(self, model: Any = None, **trace_options: Unpack[RecordOptions]) -> AbstractContextManager[Recording]:
        """Record any code: ``with torch_graph.record(model) as recording: ...``, then ``recording.graph``.

        *trace_options* are those of ``pytest_torchgraph.record``: ``verify`` and ``timing``.
        """
        __tracebackhide__ = True
        require_known("record", trace_options, _capture().record)
        chosen = self._verified(trace_options)
        recording: AbstractContextManager[Recording] = _capture().record(model, **chosen)
        return self._followed(recording, verified=bool(chosen.get("verify")))

    def _verified(self, trace_options: Mapping[str, Any]) -> dict[str, Any]:
        """*trace_options*, verifying where the command line asks for it; what is timed cannot be verified."""
        asked = options.verifying(self._item.config) and not trace_options.get("timing")
        return {"verify": True, **trace_options} if asked else dict(trace_options)

    def _tell(self, graph: Graph, *, verified: bool) -> None:
        """Show in the summary what *graph* has to say, once: a check traces more than once."""
        notes = tuple(note for note in graph.notes if note.startswith(TOLD) and note not in self._told)
        what: events.What = "verified" if verified and "verified" not in self._told else "noted"
        if notes or what == "verified":
            self._told.update((*notes, what))
            where = extension.address(self._item, "")
            events.add(self._item, events.Event(test=where.test, path=where.label, what=what, notes=notes))

    @contextmanager
    def _followed(self, recording: AbstractContextManager[Recording], *, verified: bool) -> Iterator[Recording]:
        """*recording* with this test's watchers, and counted for the coverage."""
        with _watching(self._watchers), terminal.progress(self._item.config), recording as opened:
            yield opened
        self._tell(opened.graph, verified=verified)
        if coverage.is_wanted(self._item.config):
            coverage.note(self._item.config, self._item.nodeid, opened.graph)

    def forbid(self, *names: str) -> None:
        """Let operations (``"aten._local_scalar_dense"``) or API calls (``"torch.Tensor.item"``) raise in this test.

        Every later trace, check and record of the test raises ``OperationForbidden`` at the very call.
        """
        __tracebackhide__ = True
        self._watchers.append(_watching_room().forbid(*names))

    def watch(self, *names: str) -> list[Sighting]:
        """A list that every later recording of the test adds the calls of the named operations to.

        A check may run the model more than once, because of the steady state; a trace runs it once.
        """
        __tracebackhide__ = True
        seen: list[Sighting] = []
        self.on_operation(*names)(seen.append)
        return seen

    def on_operation(self, *names: str) -> Callable[[Callable[[Sighting], None]], Watcher]:
        """Call the decorated function before each of the named operations, in every later recording of the test."""
        __tracebackhide__ = True
        made = _watching_room().on_operation(*names)

        def register(see: Callable[[Sighting], None]) -> Watcher:
            self._watchers.append(made(see))
            return self._watchers[-1]

        return register

    @property
    def snapshot(self) -> SnapshotOfTest:
        """The stored snapshot, to be compared with: ``assert graph == torch_graph.snapshot``."""
        return SnapshotOfTest(self)


class SnapshotOfTest:
    """Equal to a graph that matches the stored snapshot; a graph that does not fails the test with the full report."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, torch_graph: TorchGraph, **rules: Any) -> None:
        self._torch_graph = torch_graph
        self._rules = rules

    def __call__(self, **rules: Any) -> SnapshotOfTest:
        """The same with the keyword arguments of :meth:`TorchGraph.check`, such as ``name=``."""
        return SnapshotOfTest(self._torch_graph, **{**self._rules, **rules})

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        if not isinstance(other, Graph):
            raise TypeError(
                f"torch_graph.snapshot compares with a Graph, not with {type(other).__name__}: "
                "assert torch_graph.trace(model, args) == torch_graph.snapshot"
            )
        self._torch_graph.check(other, **self._rules)
        return True

    def __ne__(self, other: object) -> bool:
        __tracebackhide__ = True
        raise TypeError("torch_graph.snapshot cannot be compared with '!='; use '=='.")

    def __repr__(self) -> str:
        return "torch_graph.snapshot"


def _watching(watchers: list[Watcher]) -> AbstractContextManager[None]:
    watching: AbstractContextManager[None] = _watching_room().watching(*watchers) if watchers else nullcontext()
    return watching


def _watching_room() -> Any:
    __tracebackhide__ = True
    _capture()
    return import_module("pytest_torchgraph.capture.watching")


def _capture() -> ModuleType:
    """The package with ``trace`` and ``record``; where PyTorch is absent, that becomes one line."""
    __tracebackhide__ = True
    if not _has_torch():
        pytest.fail(
            "torch_graph runs models, and PyTorch is not installed in this environment: pip install torch",
            pytrace=False,
        )
    return import_module(PACKAGE)


def _tracing() -> Any:
    __tracebackhide__ = True
    _capture()
    return import_module("pytest_torchgraph.capture.tracing")


def _has_torch() -> bool:
    try:
        return find_spec("torch") is not None
    except ModuleNotFoundError:
        return False


def _frames_of_others(traceback: TracebackType | None) -> TracebackType | None:
    """*traceback* without the frames of this package: a model's error reads as if the model had run by itself.

    Nor those of ``contextlib``: the contexts are this package's.
    """
    if traceback is None:
        return None
    rest = _frames_of_others(traceback.tb_next)
    if str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in {PACKAGE, "contextlib"}:
        return rest
    return TracebackType(rest, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
