"""Run a model and record what it does. The only place that enters modes, and that leaves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.agreement import PATIENCE, agreeing
from pytest_torchgraph.capture.attribution import Followed
from pytest_torchgraph.capture.binding import add_note, tensors_in
from pytest_torchgraph.capture.call import OpenCall, attention_calls
from pytest_torchgraph.capture.collective import following_reductions, place_of_process
from pytest_torchgraph.capture.compiled import Eagerly, run_eagerly
from pytest_torchgraph.capture.compiling.calls import FrameCalls, FrameWhere
from pytest_torchgraph.capture.control_flow import control_flow_in_sight
from pytest_torchgraph.capture.entering import entered, require_fake
from pytest_torchgraph.capture.events import device
from pytest_torchgraph.capture.exported import following_nodes
from pytest_torchgraph.capture.fake import Left, Observed, fake_mode, following_propagation, stand_in, take_out
from pytest_torchgraph.capture.grad import without_inference_mode
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.capture.guard import Guard
from pytest_torchgraph.capture.importing import imports_swept
from pytest_torchgraph.capture.lazy import identity
from pytest_torchgraph.capture.module import ModuleCalls, following
from pytest_torchgraph.capture.operation import OperationMode, Where, named_entries, nowhere
from pytest_torchgraph.capture.packed import Weights
from pytest_torchgraph.capture.phase import Phases, following_phases
from pytest_torchgraph.capture.policy import Policy, notes_on, policies_seen
from pytest_torchgraph.capture.progress import progress
from pytest_torchgraph.capture.redistribution import following_redistributions
from pytest_torchgraph.capture.source import source_line, user_frame
from pytest_torchgraph.capture.swapping import following_swaps
from pytest_torchgraph.capture.target import Holdings, Target, holdings_of, target_of, training_of
from pytest_torchgraph.capture.tensor import following_resizes, no_name
from pytest_torchgraph.capture.thread import in_every_thread
from pytest_torchgraph.capture.timing import Clock, TimedCalls, TimedMode, leave_out
from pytest_torchgraph.capture.unfrozen import unfrozen
from pytest_torchgraph.capture.watching import unwatched, watched
from pytest_torchgraph.capture.wrapper import unwrapped, unwraps_itself
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.capture.compiling.running import GraphRuns
    from pytest_torchgraph.capture.witness import Evidence

PRIMS = "prims."
DECOMPOSED = "fake run: forward-mode differentiation computes fake tensors by other operations than real ones"


class AlreadyRecording(RuntimeError):
    """A recording was started inside another one."""


class Recording:
    """A run while it is recorded; ``graph`` holds the result once the context has closed."""

    def __init__(
        self,
        target: Target,
        holdings: Holdings,
        guard: Guard,
        clock: Clock | None = None,
        graphs: GraphRuns | None = None,
    ) -> None:
        self.where = Where() if graphs is None else FrameWhere()
        self.identity = identity()
        self.phases = Phases(self.identity, holdings.parameters)
        self.mode = OperationMode(self.identity, self.where, guard, self.phases)
        self.mode.sees_compiled = graphs is not None
        self.clock = clock
        self.modules = self._module_calls(target, holdings)
        self.target = target
        self.flags = holdings.flags
        self.libraries = holdings.libraries
        self.inputs: tuple[tuple[str, Any], ...] = ()
        self.outputs: tuple[tuple[str, Any], ...] = ()
        self.calls: list[OpenCall] = []
        self.asides: list[tuple[int, int]] = []
        self.fake_mode = self.is_fake = False
        self.remarks: Iterable[str] = ()
        self.eagerly = Eagerly(ExitStack())
        self.evidence: Evidence | None = None
        self.policies: list[Policy] = []
        self.resident = 0
        self.kept: frozenset[int] | None = None
        self._run: Run | None = None
        self._graph: Graph | None = None

    def _module_calls(self, target: Target, holdings: Holdings) -> ModuleCalls:
        if self.clock is not None:
            leave_out(self.clock, self.phases)
            return TimedCalls(target, holdings.modules, self.where, self.identity, self.clock)
        kind = FrameCalls if self.mode.sees_compiled else ModuleCalls
        return kind(target, holdings.modules, self.where, self.identity)

    @property
    def graph(self) -> Graph:
        """What was recorded; raises ``RuntimeError`` while the recording is open."""
        if self._graph is None:
            with collector_paused():
                graph = freeze(self.log)
                graph = graph.noting(*notes_on(self.policies, graph.operations)) if self.policies else graph
                timing = None if self.clock is None else self.clock.timing(len(graph.scopes))
                self._graph = graph if timing is None else replace(graph, timing=timing)
        return self._graph

    @property
    def unfrozen(self) -> Graph:
        """The same, worked out when it is first asked for something, where nothing but the log goes into it."""
        if self._graph is None and self.clock is None and not self.policies:
            self._graph, self._run = unfrozen(self.log), None
        return self.graph

    @property
    def log(self) -> Run:
        """The run behind the graph, before anything is worked out from it."""
        if self._run is None:
            raise RuntimeError("the recording is still open: read .graph after the 'with' block")
        return self._run

    def progress(self) -> tuple[int, str]:
        """Operations so far, and the path of the module call that began last; asked from any thread."""
        return self.identity.clock, self.modules.scopes[-1].path

    def scope_path(self) -> str:
        """Path of the module call that runs now; empty outside of modules."""
        return self.modules.scopes[self.where.scope].path

    def place(self) -> str:
        """Where in the user's code the run is, with the module: ``layers.1, model.py:12``."""
        line = source_line(user_frame(2))
        source = f"{Path(line.file).name}:{line.line}" if line else ""
        return ", ".join(filter(None, (self.scope_path(), source)))

    def meet_leaves(self, holdings: Holdings, inputs: list[tuple[str, Tensor]]) -> None:
        """Make parameters, buffers, attributes and inputs known by name before the first operation."""
        self.fake_mode = fake_mode() is not None
        if self.fake_mode:
            self.identity.stand_in = stand_in
        require_fake(chain(((path, tensor) for _, path, tensor in holdings.leaves), inputs))
        for kind, path, tensor in holdings.leaves:
            self.identity.meet(tensor, kind, path)
        for path, tensor in holdings.parameters:
            if unwraps_itself(type(tensor)):
                self.identity.introduce(tensor, "parameter", path)
        self.inputs = tuple((path, self.identity.meet(tensor, "input", path)) for path, tensor in inputs)
        self.phases.name_gradients_of(inputs)
        self.resident = self.identity.live
        for sight in self.identity.sights:
            sight.before_run = True

    def meet_outputs(self, value: Any) -> None:
        """Note which tensors the model returned, and what else its call leaves alive."""
        self.outputs = tuple((path, self.identity.read(tensor)) for path, tensor in unwrapped(tensors_in(value)))
        returned = {raw.storage for _, raw in self.outputs}
        self.kept = frozenset(
            index
            for index, sight in enumerate(self.identity.sights)
            if sight.kind == "result" and sight.died is None and index not in returned
        )
        if self.evidence is not None:
            self.evidence.keep_ends(self.identity)

    def witnessed(self) -> OperationMode:
        """The mode, keeping what a replay needs."""
        from pytest_torchgraph.capture.witness import Evidence, Witness

        self.evidence = Evidence()
        return Witness(self.mode, self.evidence)

    def clocked(self) -> OperationMode:
        """The mode, looked at by the clock where there is one."""
        if self.clock is None:
            return self.mode
        self.clock.start()
        return TimedMode(self.mode, self.clock)

    def seek_no_lines(self) -> None:
        """Look for no source lines from here on, for whom tells of no single operation."""
        self.mode.frame_of = nowhere

    def verify(self) -> None:
        """Replay the record where evidence was kept; raises ``VerificationFailed`` where it computes something else."""
        if self.evidence is not None:
            from pytest_torchgraph.capture.replay import replay

            self.evidence.keep_ends(self.identity)
            self._graph = self.graph.noting(*replay(self.graph, self.evidence))

    def close(self, *notes: str, grad: bool, asked_inference: bool) -> None:
        """Keep what the run left behind."""
        calls = self.modules.scopes
        self.identity.close()
        if isinstance(self.modules, FrameCalls):
            self.modules.measure(entry[4] for entry in self.mode.log)
        calls[0].end = self.identity.clock
        self.phases.close()
        rows = self.mode.log
        left = self._left_out(rows)
        weights = Weights(rows, calls)
        if weights.known:
            rows = [entry._replace(live=entry.live + weights.bytes) for entry in named_entries(rows)]
        self.resident += weights.bytes
        rank, world_size = place_of_process()
        weights.admit(self.identity.sights, self.identity.values)
        rows = take_out(left, rows, Observed(self.identity.sights, calls, self.phases.stretches, self.calls))
        if self.is_fake and any(entry[0].name.startswith(PRIMS) for entry in rows):
            notes = (*notes, DECOMPOSED)
        self._run = Run(
            rows=rows,
            identity=self.identity,
            scopes=calls,
            calls=self.calls,
            resident=self.resident,
            inputs=self.inputs,
            outputs=self.outputs,
            grad_mode="grad" if grad else "no_grad",
            inference_mode=asked_inference,
            training=training_of(self.modules.flags() or self.flags),
            followed=Followed(self.phases.stretches, self.phases.walk.seen, self.phases.first_sequence_number),
            libraries=self.libraries,
            kept=self.kept,
            hollow=left.storages,
            weights=weights,
            notes=(*notes, *self.eagerly.notes, *self.remarks),
            fake=self.is_fake,
            compiled=bool(self.eagerly.names),
            root_is_module=self.modules.root is not None,
            rank=rank,
            world_size=world_size,
        )

    def _left_out(self, rows: list[tuple[Any, ...]]) -> Left:
        """What is no part of the run: see ``fake.py``."""
        sights = self.identity.sights
        inputs = [raw for _, raw in self.inputs]
        left = Left.of(rows, self.identity, inputs, self.asides, fake_mode=self.fake_mode)
        self.is_fake = bool(self.identity.fakes - left.storages)
        self.resident -= sum(sights[index].bytes or 0 for index in left.storages if sights[index].before_run)
        for keeper in (self.evidence, self.clock):
            if keeper is not None:
                keeper.keep_only(left.kept(len(rows)))
        return left


_open: list[Recording] = []


def seen_so_far() -> tuple[int, str] | None:
    """:meth:`Recording.progress` of the recording that is open, in whichever thread; ``None`` where none is."""
    return _open[0].progress() if _open else None


@contextmanager
def recorded(
    target: Target,
    holdings: Holdings,
    guard: Guard,
    inputs: list[tuple[str, Tensor]],
    *,
    verify: bool = False,
    clock: Clock | None = None,
    graphs: GraphRuns | None = None,
    rank_timeout: float = PATIENCE,
) -> Iterator[Recording]:
    """Record everything that runs inside the context, entering and leaving every mode it needs.

    Compiled callables run eagerly, unless *graphs* runs what they are compiled to.
    """
    if _open:
        raise AlreadyRecording(
            f"a recording of {_open[0].target.class_name} is open in this process; close it before starting another"
        )
    recording = Recording(target, holdings, guard, clock, graphs)
    with collector_paused():
        with ExitStack() as stack:
            _open.append(recording)
            stack.callback(_open.clear)
            stack.enter_context(progress(recording.progress))
            use = stack.enter_context(without_inference_mode())
            recording.meet_leaves(holdings, inputs)
            del holdings, inputs  # what the model lets go of must not live on here
            stack.enter_context(observing(recording) if graphs is None else observing_compiled(recording, graphs))
            grad = torch.is_grad_enabled()
            said = stack.enter_context(recording_mode(recording, rank_timeout, verify=verify))
            try:
                yield recording
            except BaseException as error:
                explain_failure(error, recording)
                raise
        recording.close(*said, grad=grad, asked_inference=use.asked)
        recording.verify()
        recording.identity.let_go()


@contextmanager
def recording_mode(recording: Recording, rank_timeout: float, *, verify: bool) -> Iterator[list[str]]:
    """Enter the mode that records, in every thread and in agreement with other ranks; yields what is to be said then.

    The list is complete when the context has closed.
    """
    with agreeing(recording.place, rank_timeout) as (agreement, notes):
        mode = recording.witnessed() if verify else recording.clocked()
        mode.agreement = agreement
        with in_every_thread(mode), entered(mode) as left_open:
            yield notes
        notes.extend(left_open)


def clock_of_run() -> Clock:
    """A clock for one run, which knows what recording costs here."""
    from pytest_torchgraph.capture.calibration import surcharge

    return Clock(surcharge(record_with), device())


def record_with(call: Callable[[], Any], clock: Clock) -> None:
    """Record *call*, looked at by *clock*."""
    with (
        unwatched(),
        recorded(Target(None, "calibration", {}), holdings_of({}), Guard(), [], clock=clock, rank_timeout=0),
    ):
        call()


@contextmanager
def observing(recording: Recording) -> Iterator[None]:
    """Follow, while the context is open, what is no operation: calls, modules, phases, storages that are resized."""
    with (
        run_eagerly() as recording.eagerly,
        imports_swept(recording.eagerly.take),
        control_flow_in_sight(fake=recording.fake_mode),
        attention_calls(recording.where, recording.identity.read) as recording.calls,
        following_nodes(recording),
        following(recording.modules),
        following_phases(recording.phases),
        following_resizes(recording.identity),
        following_swaps(recording.phases),
        following_propagation(recording.identity) as recording.asides,
        following_redistributions(recording.where),
        following_reductions(),
        watched(recording.mode, recording.scope_path) as recording.mode,
        policies_seen() as recording.policies,
    ):
        recording.identity.find_parameter = recording.modules.parameter_path
        try:
            yield
        finally:
            recording.identity.find_parameter = no_name  # what a run leaves behind must not hold the model
            if recording.clock is not None:
                recording.clock.stop()


@contextmanager
def observing_compiled(recording: Recording, graphs: GraphRuns) -> Iterator[None]:
    """Follow the same of a compiled run; no function of a module is replaced, as it would be compiled in its place."""
    where, calls = recording.where, recording.modules
    assert isinstance(where, FrameWhere)
    assert isinstance(calls, FrameCalls)
    with (
        following_phases(recording.phases),
        following_resizes(recording.identity),
        following_reductions(),
        following_propagation(recording.identity) as recording.asides,
        watched(recording.mode, recording.scope_path) as recording.mode,
        graphs.recorded_by(recording.mode, where, calls),
    ):
        yield


JIT_TRACE = (
    "torch.jit.trace is at work in the model: under any dispatch mode, and so while recording, the sizes that it "
    "follows reach operations as plain numbers (pytorch#130726). Trace before recording, and record the traced module."
)


def explain_failure(error: BaseException, recording: Recording) -> None:
    """Add to *error* in which module call and operation it happened."""
    failure = recording.where.failure
    if failure is None or not failure.is_of(error):
        return
    scope = recording.modules.scopes[failure.scope]
    place = f"{scope.path} ({scope.class_name})" if scope.path else scope.class_name
    operation = f", in operation {failure.operation}" if failure.operation else ""
    done = times(recording.identity.clock, "operation")
    add_note(error, f"while recording {recording.target.class_name}: in {place}{operation}, after {done}")
    if failure.is_traced:
        add_note(error, JIT_TRACE)


@contextmanager
def record(
    model: Any = None, *, verify: bool = False, timing: bool = False, rank_timeout: float = PATIENCE
) -> Iterator[Recording]:
    """Record the code inside the context: one run of the user's own code, nothing restored.

    *model* names the modules whose calls, parameters and buffers are told by path; others get their class's name.
    ``verify`` proves the record when the context closes, ``timing`` times it, as in :func:`trace`, but not both, and
    ``rank_timeout`` is as there. Then ``recording.graph`` is there. Raises ``AlreadyRecording`` inside of another
    recording of this process.
    """
    refuse_both(verify=verify, timing=timing)
    target = Target(None, "record", {}) if model is None else target_of(model)
    clock = clock_of_run() if timing else None
    options: Any = {"verify": verify, "clock": clock, "rank_timeout": rank_timeout}
    # No name for what is held: what the model lets go of must not live on here.
    with recorded(target, holdings_of(target.roots), Guard(), [], **options) as recording:
        recording.modules.root = None
        yield recording


def refuse_both(*, verify: bool, timing: int) -> None:
    """Raise ``ValueError`` where a run is to be timed and verified, or to be timed less than once."""
    if timing and verify:
        raise ValueError("a run that is verified hashes every operand: time another one (timing= or verify=, not both)")
    if not isinstance(timing, int) or timing < 0:
        raise ValueError(f"timing={timing!r}: expected the number of runs to time, such as 5; True is one run")
