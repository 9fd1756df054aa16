"""What is to be run under fake tensors: a model and its inputs, or what makes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pytest_torchgraph.capture.ambient import random_undo
from pytest_torchgraph.capture.fake_run.asking import answering
from pytest_torchgraph.capture.fake_run.mode import fake_run_mode
from pytest_torchgraph.capture.fake_run.refusing import told_with_line
from pytest_torchgraph.capture.fake_run.stand_in import exchanging, stood_in
from pytest_torchgraph.capture.subject import Subject
from pytest_torchgraph.capture.target import held_by

if TYPE_CHECKING:
    from torch._subclasses.fake_tensor import FakeTensorMode


@dataclass(frozen=True)
class FakeRuns:
    """The mode that all runs of a subject share; ``notes`` is what is to be said of them."""

    mode: FakeTensorMode
    notes: dict[str, None]

    @contextmanager
    def running(self) -> Iterator[dict[str, None]]:
        """Run under fake tensors while the context is open; yields the notes."""
        with told_with_line(), answering(self.notes), self.mode:
            yield self.notes


@contextmanager
def faked(
    model: Any,
    args: Any,
    kwargs: Mapping[str, Any] | None,
    optimizer: Any,
    sharded: Callable[[Any], Any] | None = None,
) -> Iterator[Subject]:
    """The subject whose tensors are all fake while the context is open; afterwards each is what it was.

    *sharded* makes a sharded model of a factory, under fake tensors: what is sharded cannot be exchanged for them.
    """
    notes: dict[str, None] = {}
    runs = FakeRuns(fake_run_mode(notes), notes)
    with ExitStack() as stack:
        if sharded is not None:
            with told_with_line(), runs.mode, exchanging():
                model = sharded(model)
        elif is_factory(model, args, kwargs):
            model = built(model)
        with told_with_line(), runs.mode:
            args = produced(args)
        optimizer = made_for(model, optimizer)
        stack.enter_context(stood_in([*held_by(model), args, kwargs, optimizer], runs.mode))
        yield Subject(model, args, kwargs, optimizer, runs.running)


def is_factory(model: Any, args: Any, kwargs: Mapping[str, Any] | None) -> bool:
    """Whether *model* makes the model: it is a class of modules, or takes no argument where there are inputs."""
    if is_class_of_modules(model):
        return True
    if isinstance(model, nn.Module) or not callable(model):
        return False
    has_inputs = bool(kwargs) or not (isinstance(args, (tuple, Mapping)) and not args)
    return has_inputs and takes_nothing(model)


def is_class_of_modules(model: Any) -> bool:
    """Whether *model* is a class of modules, also with some of its arguments."""
    while isinstance(model, functools.partial):
        model = model.func
    return isinstance(model, type) and issubclass(model, nn.Module)


def takes_nothing(function: Any) -> bool:
    """Whether *function* cannot be given an argument."""
    try:
        return not inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def built(factory: Callable[[], Any]) -> nn.Module:
    """The model that *factory* makes on the ``meta`` device; raises ``TypeError`` where it makes no model."""
    model = made_on_meta(factory, name_of(factory))
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"fake=True takes {name_of(factory)} for a factory, as it takes no argument, and it returned "
            f"{type(model).__name__}: it has to return the model, a torch.nn.Module"
        )
    return model


def made_on_meta(factory: Callable[[], Any], name: str) -> Any:
    """What *factory* makes on the ``meta`` device, where weights take no memory and no time.

    Raises ``TypeError`` where it reads what a tensor holds.
    """
    undo = random_undo()
    try:
        with torch.device("meta"):
            return factory()
    except (NotImplementedError, RuntimeError) as error:
        if "meta" not in str(error):
            raise
        raise TypeError(
            f"fake=True calls {name} on the meta device, and what it builds reads what a tensor holds "
            f"({str(error).splitlines()[0]}); pass the model that it makes instead: its weights are not copied"
        ) from error
    finally:
        undo()


def name_of(factory: Any) -> str:
    """What a user calls *factory*."""
    return str(getattr(factory, "__name__", type(factory).__name__)).replace("<lambda>", "the lambda")


def produced(given: Any) -> Any:
    """Inputs, or what a function without arguments makes of them under fake tensors."""
    is_function = callable(given) and not isinstance(given, (torch.Tensor, nn.Module, type))
    return given() if is_function and takes_nothing(given) else given


def made_for(model: Any, optimizer: Any) -> Any:
    """An optimizer, or what a class or function makes for the model's parameters or the model."""
    if optimizer is None or isinstance(optimizer, torch.optim.Optimizer) or not callable(optimizer):
        return optimizer
    of_parameters = isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)
    return optimizer(model.parameters()) if of_parameters else optimizer(model)
