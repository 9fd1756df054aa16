"""``trace``: one call of a model recorded from a known state, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.allocator import allocated_over_start, beside
from pytest_torchgraph.capture.binding import as_call, bind, fresh_containers, list_explained, tensors_in
from pytest_torchgraph.capture.entering import require_fake
from pytest_torchgraph.capture.grad import ordinary_buffers
from pytest_torchgraph.capture.recording import Recording, clock_of_run, recorded, refuse_both
from pytest_torchgraph.capture.state import Checkpoint
from pytest_torchgraph.capture.step import Backward, Step
from pytest_torchgraph.capture.target import Holdings, Target, holdings_of, target_of
from pytest_torchgraph.capture.timing import Clock, seconds_unrecorded
from pytest_torchgraph.capture.unfinished import called
from pytest_torchgraph.capture.watching import unwatched
from pytest_torchgraph.capture.wrapper import unwrapped
from pytest_torchgraph.graph.graph import Graph
from pytest_torchgraph.graph.timing import several

if TYPE_CHECKING:
    from torch.optim.optimizer import Optimizer


def trace(  # noqa: PLR0913 -- all but three are options, given by keyword
    model: Callable[..., Any],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    warmup: int = 0,
    restore: bool = True,
    backward: Backward = None,
    optimizer: Optimizer | None = None,
    verify: bool = False,
    timing: int = 0,
    allocator: bool = False,
) -> Graph:
    """Run *model* once and return what it did.

    ``args`` is a tuple of positional arguments, a mapping of keyword arguments, or one argument. ``warmup`` runs come
    first and are not part of the graph. With ``restore`` the random state, parameters, buffers, gradients, inputs,
    optimizer state, training mode and hooks are as before afterwards, also when the model raises; caches in plain
    attributes are the model's own.

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

    Raises ``TypeError`` when *model* cannot be called or the inputs do not fit, ``ValueError`` when there is nothing to
    go backward through or two options exclude each other; an exception inside the model passes through with a note that
    names the module and operation.
    """
    refuse_both(verify=verify, timing=timing)
    target = target_of(model)
    positional, keywords = as_call(args, kwargs)
    step = Step(backward, optimizer)
    step.require_over(target.roots.values())
    if allocator and not restore:
        raise ValueError("allocator=True runs the model a second time from the same state: it needs restore=True")
    traced = Traced(target, positional, keywords, step, restore)
    with list_explained(args):
        bind(model, positional, keywords)
        for _ in range(warmup):
            traced.recording()
        if timing:
            if restore and not warmup:
                with unwatched():
                    traced.recording()
            # No graph is worked out before the last run: each would run with cold caches.
            recordings = [traced.recording(timing=True) for _ in range(timing)]
            graph = several([recording.graph for recording in recordings])
        else:
            graph = traced.recording(verify=verify).graph
        return traced.with_allocator(graph) if allocator else graph


@dataclass(frozen=True)
class Traced:
    """One call of a target: its inputs, what follows it, and whether everything is put back."""

    target: Target
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    step: Step
    restore: bool

    def recording(self, *, verify: bool = False, timing: bool = False) -> Recording:
        """One recorded run on fresh containers of the inputs; what it writes is only seen while recording."""
        holdings = holdings_of(self.target.roots)
        clock = clock_of_run() if timing else None
        leaves = holdings.leaves
        if self.restore and any(tensor.is_inference() for kind, _, tensor in leaves if kind == "buffer"):
            with ordinary_buffers(holdings.modules):
                return self._recorded(holdings_of(self.target.roots), verify=verify, clock=clock)
        return self._recorded(holdings, verify=verify, clock=clock)

    def _recorded(self, holdings: Holdings, *, verify: bool, clock: Clock | None) -> Recording:
        call, inputs = self._prepared()
        require_fake([*((path, tensor) for _, path, tensor in holdings.leaves), *inputs])
        checkpoint = self._checkpoint(holdings, inputs) if self.restore else Checkpoint([], [])
        torch.clear_autocast_cache()  # weights that an earlier run has cast would not be cast in this one
        try:
            with recorded(self.target, holdings, checkpoint.guard, inputs, verify=verify, clock=clock) as recording:
                if self.step.optimizer is not None:
                    recording.phases.identify(self.step.optimizer)
                output = self.step.run(call)
                recording.meet_outputs(output)
                del output
        finally:
            torch.clear_autocast_cache()
            if self.restore:
                checkpoint.restore()
        if clock is not None and self.restore:
            clock.unrecorded = self._unrecorded(holdings, checkpoint.guard.written())
        return recording

    def _unrecorded(self, holdings: Holdings, written: set[int]) -> float:
        """Seconds of the same run without the recorder; *written* are the storages that it writes to."""
        call, inputs = self._prepared()
        return seconds_unrecorded(partial(self.step.run, call), self._checkpoint(holdings, inputs), written)

    def with_allocator(self, graph: Graph) -> Graph:
        """*graph* with the allocator's peak of another run beside its own."""
        call, inputs = self._prepared()
        checkpoint = self._checkpoint(holdings_of(self.target.roots), inputs)
        allocated = allocated_over_start(partial(self.step.run, call), checkpoint, graph.origin.device)
        found = beside(graph.memory, allocated, graph.origin.device)
        return replace(graph, memory=replace(graph.memory, allocator=found)).noting(str(found))

    def _prepared(self) -> tuple[Callable[[], Any], list[tuple[str, Tensor]]]:
        """The call, and its input tensors by name."""
        assert self.target.function is not None
        args, kwargs = fresh_containers((self.args, self.kwargs)) if self.restore else (self.args, self.kwargs)
        return partial(called, self.target, args, kwargs), list(named_inputs(self.target.function, args, kwargs))

    def _checkpoint(self, holdings: Holdings, inputs: list[tuple[str, Tensor]]) -> Checkpoint:
        """All that a run may change."""
        held = [tensor for _, _, tensor in holdings.leaves]
        tensors = [*held, *(tensor for _, tensor in inputs), *self.step.tensors()]
        if self.step.backward:
            tensors += [tensor.grad for tensor in tensors if tensor.is_leaf and tensor.grad is not None]
        return Checkpoint(holdings.modules, tensors, self.step.undo())


def named_inputs(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor among the inputs, by parameter name."""
    for name, value in bind(function, args, kwargs).items():
        yield from unwrapped(tensors_in(value, name))
