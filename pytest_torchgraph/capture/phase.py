"""Where a training step is: in the autograd engine, in an optimizer's step, or in the forward pass."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from pytest_torchgraph.capture.hosting import kept_on_host
from pytest_torchgraph.capture.node import NodeWalk, Running, running_node
from pytest_torchgraph.capture.source import user_frame
from pytest_torchgraph.capture.tensor import Identity
from pytest_torchgraph.capture.wrapper import unwrapped, unwraps_itself
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.tensor import Role


@dataclass(slots=True)
class Stretch:
    """One backward pass or one optimizer step: the clock when it began and when it ended.

    ``frame`` is the line of the user's that began a backward pass.
    """

    name: str
    start: int
    end: int | None = None
    title: str = ""
    hyperparameters: tuple[tuple[str, float], ...] = ()
    frame: tuple[CodeType, int] | None = None


class Phases:
    """Follows backward passes and optimizer steps while a run is recorded.

    ``depth`` counts the passes of the autograd engine that are open: checkpointing starts one inside another.
    """

    def __init__(self, identity: Identity, named: Iterable[tuple[str, Tensor]]) -> None:
        self.identity = identity
        self.named = [(path, weakref.ref(tensor)) for path, tensor in named if tensor.is_leaf and tensor.requires_grad]
        self.stretches: list[Stretch] = []
        self.walk = NodeWalk(identity)
        self.depth = 0
        self.first_sequence_number: int = torch._C._autograd._get_sequence_nr()
        self._creates_graph = [False]
        self._seeds_from: int | None = None
        self._seeds_to = -1
        self.before_backward: Callable[[], None] = nothing

    def running(self) -> Running | None:
        """The autograd node that runs now, as the log keeps it; only asked while the engine runs."""
        return running_node(self.identity, creates_graph=self._creates_graph[-1])

    def make_seeds(self, make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Let *make* create the gradients that a backward pass starts from: they belong to the pass."""
        start = self.identity.clock
        made = make(*args, **kwargs)
        self._seeds_from, self._seeds_to = start, self.identity.clock
        return made

    def run_backward(self, run: Callable[..., Any], outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Let *run* go through the autograd graph of *outputs*."""
        self.walk.add(outputs)
        self._creates_graph.append(bool(args[2] if len(args) > 2 else kwargs.get("create_graph")))
        if not self.depth:
            self.before_backward()
            begun = self._seeds_from if self._seeds_to == self.identity.clock else None
            start = self.identity.clock if begun is None else begun
            self.stretches.append(Stretch("backward", start, frame=user_frame()))
            self._seeds_from, self._seeds_to = None, -1
        self.depth += 1
        try:
            return run(outputs, *args, **kwargs)
        finally:
            self.depth -= 1
            self._creates_graph.pop()
            if not self.depth:
                self.stretches[-1].end = self.identity.clock
                self.name_gradients()

    def name_gradients(self) -> None:
        """Name the gradients that parameters and inputs have by now."""
        for path, reference in self.named:
            tensor = reference()
            if tensor is not None and tensor.grad is not None:
                self._name(tensor.grad, "gradient", path, "grad")

    def _name(self, tensor: Tensor, role: Role, path: str, what: str) -> None:
        """Name *tensor*, or the tensors that it wraps, after the parameter at *path* and *what* it is of that."""
        if not unwraps_itself(type(tensor)):
            self.identity.name(tensor, role, f"{path}.{what}")
            return
        for inner, one in unwrapped([(path, tensor)]):
            self.identity.name(one, role, f"{inner}.{what}")

    def name_gradients_of(self, inputs: Iterable[tuple[str, Tensor]]) -> None:
        """Follow the gradients of *inputs* too, and name all gradients that there are before the run."""
        self.named += [(path, weakref.ref(one)) for path, one in inputs if one.is_leaf and one.requires_grad]
        self.name_gradients()

    def begin_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Note that *optimizer* starts a step; what it holds by now is known by name from here on."""
        del args, kwargs
        self.identify(optimizer)
        self.stretches.append(
            Stretch("optimizer", self.identity.clock, None, type(optimizer).__name__, hyperparameters_of(optimizer))
        )

    def end_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Note that the step is done."""
        del args, kwargs
        open_steps = [stretch for stretch in self.stretches if stretch.name == "optimizer" and stretch.end is None]
        if open_steps:
            open_steps[-1].end = self.identity.clock
        self.identify(optimizer)

    def identify(self, optimizer: Optimizer) -> None:
        """Name the gradients and the state tensors of *optimizer* after the parameters they belong to."""
        for path, parameter in self._parameters_of(optimizer):
            if parameter.grad is not None:
                self._name(parameter.grad, "gradient", path, "grad")
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    self._name(value, "state", path, key)
        for tensor, is_named in kept_on_host(optimizer):
            self.identity.keep_on_host(tensor, is_named=is_named)

    def _parameters_of(self, optimizer: Optimizer) -> Iterator[tuple[str, Tensor]]:
        count = 0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if is_lazy(parameter):  # its first forward pass gives it memory, and the step asks again
                    continue
                path = self.identity.name_of(parameter)
                if path is None:
                    path = f"parameter{count}"
                    self.identity.introduce(parameter, "parameter", path)
                yield path, parameter
                count += 1

    def close(self) -> None:
        """End what an exception left open."""
        for stretch in self.stretches:
            if stretch.end is None:
                stretch.end = self.identity.clock


def nothing() -> None:
    """What happens before a backward pass that nobody wants to know of."""


def hyperparameters_of(optimizer: Optimizer) -> tuple[tuple[str, float], ...]:
    """The numbers that *optimizer* was set to by name, each pair once."""
    found: dict[tuple[str, float], None] = {}
    for group in optimizer.param_groups:
        for key, value in group.items():
            if key != "params":
                found.update(dict.fromkeys((key, number) for number in numbers_in(value)))
    return tuple(found)


def numbers_in(value: Any) -> Iterator[float]:
    """Every number in a setting: ``lr``, or both of ``betas``; one that is a tensor is not read."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from numbers_in(part)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


@contextmanager
def following_phases(phases: Phases) -> Iterator[None]:
    """Follow backward passes and optimizer steps while the context is open.

    Every door into the engine (``Tensor.backward``, ``torch.autograd.backward`` and ``grad``, checkpointing) looks up
    these two functions in ``torch.autograd`` when it is called.
    """
    module: Any = torch.autograd
    run, make = module._engine_run_backward, module._make_grads

    def run_backward(outputs: Any, *args: Any, **kwargs: Any) -> Any:
        return phases.run_backward(run, outputs, *args, **kwargs)

    def make_grads(*args: Any, **kwargs: Any) -> Any:
        return phases.make_seeds(make, *args, **kwargs)

    handles = [
        register_optimizer_step_pre_hook(phases.begin_step),
        register_optimizer_step_post_hook(phases.end_step),
    ]
    try:
        module._engine_run_backward, module._make_grads = run_backward, make_grads
        yield
    finally:
        module._engine_run_backward, module._make_grads = run, make
        for handle in handles:
            handle.remove()
