"""The ``torch_graph`` fixture: one check is its rules, its slot, the run of the model, and what that comes to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.plugin.check import growing, limits
from pytest_torchgraph.plugin.check.checking import check
from pytest_torchgraph.plugin.check.failing import mistake
from pytest_torchgraph.plugin.check.rules import Rules
from pytest_torchgraph.plugin.check.running import (
    NO_INPUTS,
    Runs,
    capture,
    compile_options,
    frames_of_others,
    require_known,
    watching,
)
from pytest_torchgraph.plugin.check.slot import claimed
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.room import roomy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from os import PathLike

    import pytest
    from torch.export import ExportedProgram
    from typing_extensions import Unpack  # PyTorch brings it; it is never imported when a test runs

    from pytest_torchgraph.analysis.scaling import Scaling
    from pytest_torchgraph.capture.recording import Recording
    from pytest_torchgraph.capture.step import Backward
    from pytest_torchgraph.capture.watching import Sighting, Watcher
    from pytest_torchgraph.plugin.check.checking import Checked
    from pytest_torchgraph.plugin.check.running import RecordOptions, TraceOptions
    from pytest_torchgraph.plugin.check.slot import Slot
    from pytest_torchgraph.recorded.compilation import Backend


class TorchGraph:
    """Traces, records and checks for one test; ``torch_graph.check(model, inputs)`` is the usual call."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._settings = settings(item.config)
        self._runs = Runs(item, self._settings)
        self._checks: dict[str, Checked] = {}
        self._grown: set[str] = set()

    def check(
        self,
        model: Callable[..., Any] | Graph | ExportedProgram | str | PathLike[str],
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
        given = {"compare": compare, "tolerance": tolerance, "ignore": ignore, "budget": budget}
        try:
            rules = Rules.of(self._item, self._settings, **given)
            slot = None
            if rules.compare != "budget":
                slot = claimed(self._item, self._settings, self._checks, name)
        except ValueError as error:
            raise mistake(self._item, error) from None
        try:
            if not isinstance(model, Graph):
                require_known("check", trace_options, self.check, capture().trace)
            return roomy(partial(self._checked, slot, rules, model, args, kwargs, trace_options))
        except Exception as error:  # noqa: BLE001  raised again at once
            raise error.with_traceback(frames_of_others(error.__traceback__)) from error.__cause__

    def _checked(self, slot: Slot | None, rules: Rules, *call: Any) -> Graph:
        """The graph of a *call*, told as to :meth:`Runs.observed`, that stands."""
        __tracebackhide__ = True
        # All of the check: what it made is let go of before Python would look through it for cycles.
        with collector_paused(), self._runs.observed(*call) as (first, again):
            return check(self._item, slot, rules, first, again, self._checks)

    def check_compiled(  # noqa: PLR0913 -- all but the inputs are options, given by keyword
        self,
        model: Callable[..., Any],
        args: Any = NO_INPUTS,
        *more_args: Any,
        backend: Backend = "aot_eager",
        backward: Backward = None,
        dynamic: bool | None = None,
        fullgraph: bool = False,
        kernels: bool = False,
        warmup: int = 0,
        name: str | None = None,
        compare: str | None = None,
        tolerance: Any = None,
        budget: Mapping[str, Any] | None = None,
        ignore: str | Iterable[str] = (),
    ) -> Graph:
        """Compile *model*, record what its graphs do, and check that as :meth:`check` does.

        The snapshot holds the graphs, each graph break and each recompilation beside the operations of the call with
        *args*, forward and, with *backward*, backward. *more_args* are further inputs that the compiled model is called
        with, so that what has to be compiled again for them is found. *backend*, *dynamic* and *fullgraph* are those of
        ``torch.compile``: no code is generated, but with *kernels* inductor does so in one more run, for the budgets
        ``kernels`` and ``extern_kernels``. *warmup* calls run eagerly before. ``graph.compilation`` of the graph that
        is returned tells all that was found.
        """
        __tracebackhide__ = True
        compiled = compile_options(more_args, backend=backend, dynamic=dynamic, fullgraph=fullgraph, kernels=kernels)
        return self.check(
            model,
            args,
            name=name,
            compare=compare,
            tolerance=tolerance,
            budget=budget,
            ignore=ignore,
            backward=backward,
            warmup=warmup,
            compiled=compiled,
        )

    def trace(
        self,
        model: Any,
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        **trace_options: Unpack[TraceOptions],
    ) -> Graph:
        """Run *model* once and return the graph of what it did; nothing is compared.

        *trace_options* are those of ``pytest_torchgraph.trace``: ``warmup``, ``restore``, ``backward``,
        ``optimizer``, ``verify``, ``allocator``, ``timing``, ``fake``, ``compiled``.
        """
        __tracebackhide__ = True
        require_known("trace", trace_options, capture().trace)
        try:
            with collector_paused(), self._runs.repeated(model, args, kwargs, trace_options) as run:
                return run()
        except Exception as error:  # noqa: BLE001  raised again at once
            raise error.with_traceback(frames_of_others(error.__traceback__)) from error.__cause__

    def scaling(
        self,
        model: Any,
        make_inputs: Callable[..., Any],
        *,
        name: str | None = None,
        budget: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Scaling:
        """How operations, FLOPs and memory grow with sizes, compared with its file: ``batch=[1, 2, 4]``.

        ``make_inputs(batch=1)`` returns the inputs. *budget* limits growth: ``{"saved": "O(batch*sequence)"}``; *name*
        tells several files of one test apart. *options* are the sizes, and those of ``pytest_torchgraph.scaling``:
        ``backward``, ``optimizer``, ``warmup``. Returns what was found, which knows formulas and ``largest_batch``.
        """
        __tracebackhide__ = True
        scaled: Scaling = capture().scaling(model, make_inputs, **options)
        try:
            growing.require_unused(name, self._grown)
            slot = claimed(self._item, self._settings, self._grown, name)
            self._grown.add(slot.name)
            growing.check_growth(slot, scaled, limits.for_growth(self._item, self._settings.budget, budget))
        except ValueError as error:
            raise mistake(self._item, error) from None
        return scaled

    def record(self, model: Any = None, **trace_options: Unpack[RecordOptions]) -> AbstractContextManager[Recording]:
        """Record any code: ``with torch_graph.record(model) as recording: ...``, then ``recording.graph``.

        *trace_options* are those of ``pytest_torchgraph.record``: ``verify`` and ``timing``.
        """
        __tracebackhide__ = True
        require_known("record", trace_options, capture().record)
        return self._runs.recorded(model, trace_options)

    def forbid(self, *names: str) -> None:
        """Let operations (``"aten._local_scalar_dense"``) or API calls (``"torch.Tensor.item"``) raise in this test.

        Every later trace, check and record of the test raises ``OperationForbidden`` at the very call.
        """
        __tracebackhide__ = True
        self._runs.watchers.append(watching().forbid(*names))

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
        made = watching().on_operation(*names)

        def register(see: Callable[[Sighting], None]) -> Watcher:
            self._runs.watchers.append(made(see))
            return self._runs.watchers[-1]

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
