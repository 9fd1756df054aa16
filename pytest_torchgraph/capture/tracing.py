"""``trace``: calls of a model recorded from a known state, and everything put back."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from pytest_torchgraph.capture.agreement import PATIENCE
from pytest_torchgraph.capture.allocator import allocated_over_start, beside
from pytest_torchgraph.capture.binding import (
    as_call,
    bound_by,
    fresh_arguments,
    list_explained,
    modules_in,
    signature_of,
    tensors_in,
)
from pytest_torchgraph.capture.compiling.session import plain
from pytest_torchgraph.capture.exported import is_exported, made_runnable
from pytest_torchgraph.capture.grad import make_buffers_ordinary, without_inference_mode
from pytest_torchgraph.capture.guard import Guard
from pytest_torchgraph.capture.lazy import refuse_lazy
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.recording import Recording, clock_of_run, recorded
from pytest_torchgraph.capture.sharded import require_no_flat_parameters
from pytest_torchgraph.capture.state import State
from pytest_torchgraph.capture.step import Backward, Step, Stepping
from pytest_torchgraph.capture.subject import Running, Subject, nothing_noted
from pytest_torchgraph.capture.target import Holdings, Target, held_by, holdings_of, target_of, with_given
from pytest_torchgraph.capture.timing import Clock, seconds_unrecorded
from pytest_torchgraph.capture.unfinished import called
from pytest_torchgraph.capture.unfrozen import frozen
from pytest_torchgraph.capture.watching import unwatched
from pytest_torchgraph.capture.world import built, in_world, made, optimizer_of
from pytest_torchgraph.capture.wrapper import unwrapped
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.compilation import Backend, Kernels
from pytest_torchgraph.recorded.note import Told
from pytest_torchgraph.recorded.room import roomy

if TYPE_CHECKING:
    from inspect import Signature

    from torch.export import ExportedProgram

    from pytest_torchgraph.capture.compiling.compiler import Compiler
    from pytest_torchgraph.capture.compiling.options import CompileOptions
    from pytest_torchgraph.capture.compiling.running import GraphRuns


def trace(  # noqa: PLR0913 -- all but three are options, given by keyword
    model: Callable[..., Any] | ExportedProgram | str | PathLike[str],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    warmup: int = 0,
    restore: bool = True,
    backward: Backward = None,
    optimizer: Stepping = None,
    verify: bool = False,
    timing: int = 0,
    allocator: bool = False,
    world_size: int | None = None,
    rank: int = 0,
    rank_timeout: float = PATIENCE,
    fake: bool = False,
    compiled: bool | Backend = False,
) -> Graph:
    """Run *model* once and return what it did.

    An ``ExportedProgram``, or the path of a ``.pt2`` file, is recorded in the module calls and lines that its nodes
    tell; without inputs nothing is computed: fake tensors stand in for the inputs that it was exported with.

    ``args`` is a tuple of positional arguments, a mapping of keyword arguments, or one argument. ``warmup`` runs come
    first and are not part of the graph; before each next run only random generators, inputs and gradients are put back,
    so that ``warmup=1`` records a model that has built its caches, and a step whose optimizer has its state.

    With ``restore`` everything that is reachable from the model, its inputs and its optimizer is as before afterwards,
    also when the model raises: the contents of tensors of any kind, gradients, plain attributes of modules, parameters
    and other objects with the containers in them, registries and hooks, training flags, random generators, and the
    state of optimizers that the model steps itself. ``docs/restoring.md`` says where that ends.

    ``backward=True`` goes backward from the sum of all floating-point outputs, ``"auto"`` only where one of them
    requires grad, ``backward=loss`` from ``loss(output)``; ``optimizer`` then makes its step. One that computes the
    loss itself (LBFGS) is given a closure that does all this.

    ``verify`` proves the record: every operation is run again from what the record holds and must make the same bits,
    and no operand may change that an operation does not declare to write. The graph's ``notes`` tell what could not be
    replayed (collectives, higher-order operators). For small models: until the end of the replay, memory holds a copy
    of all parameters, buffers and inputs beside the model, and of all memory that was taken uninitialised, and every
    operand and result is hashed. A record that fails raises ``VerificationFailed``.

    ``timing=n`` times every operation and module call in n runs, after *warmup*, and puts their medians into
    ``Graph.timing``; ``True`` is one run. With *restore*, there is at least one run before them, as the first is slower
    than any other, and each is followed by the same run without the recorder, so that its cost is known. Snapshots and
    comparisons know nothing of it. A timed run is not verified.

    ``allocator`` is a truth check: the model runs once more, unrecorded, and ``memory.allocator`` puts the peak of
    PyTorch's allocator beside the counted one. It needs ``restore``.

    ``world_size`` records one ``rank`` of that many in this process alone: *model* is then a function that builds the
    sharded model, *optimizer* one that makes the optimizer of the model, and inputs may be functions too. They are
    called in a process group whose collectives send nothing, which is gone afterwards; ``GroupInUse`` is raised where
    there is a group already.
    ``fake`` records without weights and without compute: fake tensors, which know a shape and nothing else, stand in
    for those of the model and its inputs until the run is over. Then *model* may be a function without arguments, or a
    class, that makes the model: it is called on the ``meta`` device, and a model that no machine could hold is recorded
    in seconds. *args* may be a function without arguments, which is called under fake tensors;
    ``optimizer`` may be a class, ``torch.optim.AdamW``, or a function that makes it for the model. Of integers and
    booleans up to 65,536 elements the values are known as long as they follow from inputs and constants; an operation
    that asks for any other value raises ``NeedsContents`` with its line. Nothing can be verified, timed or measured
    then, and *restore* stays.

    Where several real ranks record together, each collective is compared before it is sent, and ``RanksDiverge`` names
    the first on which they differ. ``rank_timeout`` is how many seconds a rank waits for another; 0 compares nothing.

    ``compiled`` runs the model as ``torch.compile`` has it and records what the compiled graphs do, node by node, and
    what runs beside them; ``Graph.compilation`` holds the graphs, graph breaks and recompilations. ``True`` is the
    backend ``"aot_eager"``; ``"inductor"`` takes inductor's decompositions and its choice of what is saved, and
    generates no code; ``"eager"`` takes the graphs before autograd. PyTorch's compiler begins anew, and once more
    afterwards: whatever the process had compiled is compiled again when it is next called.

    Raises ``TypeError`` when *model* cannot be called or the inputs do not fit, ``ValueError`` when there is nothing to
    go backward through or two options exclude each other; an exception inside the model passes through with a note that
    names the module and operation.
    """
    options = Options(
        warmup=warmup,
        restore=restore,
        backward=backward,
        optimizer=optimizer,
        verify=verify,
        timing=timing,
        allocator=allocator,
        world_size=world_size,
        rank=rank,
        rank_timeout=rank_timeout,
        fake=fake,
        compiled=compiled,
    )
    return traced_with(model, args, options, kwargs)


def traced_with(model: Any, args: Any, options: Options, kwargs: Mapping[str, Any] | None = None) -> Graph:
    """What :func:`trace` returns for *options*."""
    with collector_paused(), repeated(model, args, kwargs, options) as run:
        return frozen(run())


@contextmanager
def repeated(
    model: Any, args: Any, kwargs: Mapping[str, Any] | None, options: Options
) -> Iterator[Callable[[], Graph]]:
    """What records a call of *model*, as often as it is called; everything is put back when the context closes.

    Between two calls are put back random generators, inputs, gradients, training flags, and what an optimizer wrote;
    what the forward pass built or wrote stays, together with the attributes that tell that it did. Warm-ups come
    before the first call only.
    """
    with ExitStack() as stack:
        if options.world is not None:
            stack.enter_context(in_world(options.world))
            if not options.fake:
                model, args, kwargs = built(model), made(args), made(kwargs)
                options = replace(options, optimizer=optimizer_of(model, options.optimizer))
        subject = stack.enter_context(subject_of(model, args, kwargs, options))
        yield stack.enter_context(runs_with(subject, options))


def subject_of(
    model: Any, args: Any, kwargs: Mapping[str, Any] | None, options: Options
) -> AbstractContextManager[Subject]:
    """What is run: what was given, or fake tensors in its place; an exported program by its module."""
    if is_exported(model):
        model, args, kwargs, without_running = made_runnable(model, args, kwargs)
        options = replace(options, fake=options.fake or without_running)
    if not options.fake:
        return nullcontext(Subject(model, args, kwargs, options.optimizer, nothing_noted))
    from pytest_torchgraph.capture.fake_run.subject import faked

    return faked(model, args, kwargs, options.optimizer, None if options.world is None else built)


@contextmanager
def runs_with(subject: Subject, options: Options) -> Iterator[Callable[[], Graph]]:
    """The same for a model that is built."""
    target = target_of(subject.model if options.compiler is None else plain(subject.model))
    positional, keywords = as_call(subject.args, subject.kwargs)
    target = with_given(target, positional, keywords)
    step = Step(options.backward, subject.optimizer)  # which refuses a function
    with list_explained(subject.args), runs_of(target, positional, keywords, step, options) as runs:
        runs.running = subject.running
        yield runs


@contextmanager
def runs_of(
    target: Target, args: tuple[Any, ...], kwargs: dict[str, Any], step: Step, options: Options
) -> Iterator[Runs]:
    """The same for a *target*, and a *step* of one's own."""
    assert target.function is not None
    step.require_over(target.roots.values())
    refuse_lazy(tensor for root in target.roots.values() for tensor in (*root.parameters(), *root.buffers()))
    refuse_lazy(tensor for _, tensor in tensors_in((args, kwargs)))
    if options.restore and step.backward:
        require_no_flat_parameters(target.roots.values())
    # Asking a TorchScript for its signature already leaves something in its attributes.
    others = () if options.compiler is None else options.compiler.others
    state = state_of(target, (*args, *others), kwargs, step) if options.restore else None
    try:
        signature = signature_of(target.function)
        for given in ((args, kwargs), *others):
            bound_by(signature, target.function, *given)
        runs = Runs(target, args, kwargs, step, state, options)
        runs.signature = signature
        yield runs
    finally:
        if state is not None:
            state.restore()


def state_of(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any], step: Step) -> State:
    """Everything that the call of *target* may change."""
    roots = [*held_by(target.function), *target.roots.values(), *modules_in((args, kwargs))]
    if step.optimizer is not None:
        roots.append(step.optimizer)
    return State(roots, (*args, *kwargs.values()))


class Runs:
    """One call of a target, recorded again and again; without *state* nothing is put back."""

    def __init__(
        self,
        target: Target,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        step: Step,
        state: State | None,
        options: Options,
    ) -> None:
        self.target = target
        self.args = args
        self.kwargs = kwargs
        self.step = step
        self.state = state
        self.options = options
        self.signature: Signature | None = None
        self.running: Running = nothing_noted
        self.is_cold = True
        self.left_by: Literal["run", "warmup"] | None = None
        self.compiler: Compiler | None = None

    def __call__(self) -> Graph:
        """The graph of one run, after the warm-ups where there was none before.

        It is worked out when it is first asked for something, or here where the run is timed, verified or compared with
        an allocator.
        """
        if self.is_cold:
            self.is_cold = False
            self._warm_up()
        if self.options.compiler is not None:
            return self._compiled(self.options.compiler)
        timing = self.options.timing
        if timing:
            from pytest_torchgraph.analysis.repeats import several

            # No graph is worked out before the last run: each would run with cold caches.
            graph = several([recording.graph for recording in [self._timed() for _ in range(timing)]])
        else:
            graph = self.recording(verify=self.options.verify).unfrozen
        return self._with_allocator(graph) if self.options.allocator else graph

    def _warm_up(self) -> None:
        for _ in range(self.options.warmup):
            self.recording(is_warmup=True)
        if self.options.timing and self.state is not None and not self.options.warmup:
            with unwatched():
                self.recording()

    def _compiled(self, options: CompileOptions) -> Graph:
        """The graph of the second call of the compiled model: the first compiles, those with other inputs may again."""
        from pytest_torchgraph.capture.compiling.compiler import compiling

        own = self.args, self.kwargs
        with compiling(self.target, options) as compiler:
            self.compiler = compiler
            try:
                self.recording()
                kept, ran = self.recording(), compiler.ran()
                for self.args, self.kwargs in options.others:
                    self.recording()
            finally:
                self.compiler = None
                self.args, self.kwargs = own
        compilation = compiler.compilation(kept.graph, ran)
        if options.kernels:
            compilation = replace(compilation, kernels=self._kernels(options))
        return replace(kept.graph, compilation=compilation)

    def _kernels(self, options: CompileOptions) -> Kernels:
        """The kernels that inductor generates for one more call, which is not recorded."""
        from pytest_torchgraph.capture.compiling.compiler import generating
        from pytest_torchgraph.capture.compiling.kernels import kernels_in

        self._put_back()
        state = self._state_now()
        state.guard.keep_all()  # nothing sees what a kernel writes
        try:
            with without_inference_mode(), generating(self.target, options) as (function, heard):
                call, _ = self._prepared(replace(self.target, function=function))
                self.step.run(call)
        finally:
            state.restore()
        return kernels_in(heard.codes)

    def _timed(self) -> Recording:
        clock = clock_of_run()
        recording = self.recording(clock=clock)
        if self.state is not None:
            self._put_back()
            call, _ = self._prepared()
            run = partial(self.step.run, call)
            clock.unrecorded = seconds_unrecorded(run, self._state_now(), self.state.guard.unwritten())
        return recording

    def recording(self, *, verify: bool = False, clock: Clock | None = None, is_warmup: bool = False) -> Recording:
        """One recorded run; what it writes is only seen while recording."""
        self._put_back()
        holdings = self._holdings()
        call, inputs = self._prepared()
        state = self.state
        guard = Guard() if state is None else state.guard
        torch.clear_autocast_cache()  # weights that an earlier run has cast would not be cast in this one
        try:
            with (
                self.running() as notes,
                nullcontext() if state is None else state.following_steps(self.step.optimizer, is_warmup=is_warmup),
                recorded(
                    self.target,
                    holdings,
                    guard,
                    inputs,
                    verify=verify,
                    clock=clock,
                    rank_timeout=self.options.rank_timeout,
                    graphs=self._graphs,
                ) as recording,
            ):
                if not self.options.lines:
                    recording.seek_no_lines()
                recording.remarks = notes
                if state is not None:
                    recording.phases.before_backward = state.begin_backward
                if self.step.optimizer is not None:
                    recording.phases.identify(self.step.optimizer)
                output = roomy(partial(self.step.run, call))
                recording.meet_outputs(output)
                del output
        finally:
            torch.clear_autocast_cache()
        self.left_by = "warmup" if is_warmup else "run"
        return recording

    @property
    def _graphs(self) -> GraphRuns | None:
        return None if self.compiler is None else self.compiler.runs

    def _put_back(self) -> None:
        """Put back what the run before must not leave to the next; after the last one everything is."""
        if self.left_by is not None:
            gc.collect(0)  # the collector is paused for all runs, and a model may leave tensors in cycles
        if self.state is not None and self.left_by is not None:
            self.state.after_run(is_warmup=self.left_by == "warmup")
        self.left_by = None

    def _holdings(self) -> Holdings:
        """What the target holds now; buffers made under inference mode are ordinary from here on, until the end."""
        holdings = holdings_of(self.target.roots)
        inference = any(tensor.is_inference() for kind, _, tensor in holdings.leaves if kind == "buffer")
        if self.state is None or not inference:
            return holdings
        make_buffers_ordinary(holdings.modules)
        return holdings_of(self.target.roots)

    def _state_now(self) -> State:
        return state_of(self.target, self.args, self.kwargs, self.step)

    def _with_allocator(self, graph: Graph) -> Graph:
        """*graph* with the allocator's peak of another run beside its own."""
        self._put_back()
        call, _ = self._prepared()
        allocated = allocated_over_start(partial(self.step.run, call), self._state_now(), graph.origin.device)
        found = beside(graph.memory, allocated, graph.origin.device)
        return replace(graph, memory=replace(graph.memory, allocator=found)).noting(Told(found))

    def _prepared(self, target: Target | None = None) -> tuple[Callable[[], Any], list[tuple[str, Tensor]]]:
        """The call, of *target* where that stands for the model's own, and its input tensors by name."""
        assert self.target.function is not None
        args, kwargs = self.args, self.kwargs
        if self.state is not None:
            args, kwargs = fresh_arguments(args, kwargs)
        own = self.target if self.compiler is None else self.compiler.target
        bound = bound_by(self.signature, self.target.function, args, kwargs)
        return partial(called, target or own, args, kwargs), list(named_inputs(bound))


def named_inputs(bound: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor among the inputs, by parameter name."""
    for name, value in bound.items():
        yield from unwrapped(tensors_in(value, name))
