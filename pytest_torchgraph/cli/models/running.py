"""Models on the command line: what a factory returns, and how it is run."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentTypeError
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.models.factory import found, produced_by
from pytest_torchgraph.cli.models.failures import told
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from pytest_torchgraph.graph import Graph

PROGRAM = ".pt2"
"""The suffix of exported programs, which stand in the place of a factory."""
RETURNS = "a model or (model, args[, kwargs])"
FORM = f"expected module:factory, such as models:build, where build() returns {RETURNS}"
ALSO = "; or a .pt2 file of torch.export.save, which is recorded without running"
LOSS = "expected module:function, such as models:loss, where loss(output) returns the loss"
OPTIMIZER = "expected module:function, such as models:sgd, where sgd(model) returns an optimizer, or torch.optim:SGD"


@dataclass(frozen=True, slots=True)
class Run:
    """A model, what it is called with, and what is done besides."""

    spec: str
    model: Any
    args: Any
    kwargs: Mapping[str, Any]
    options: Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser, metavar: str = "MODULE:FACTORY", also: str = "") -> None:
    """The arguments that name a model and how it is run; *also* says what else may stand in its place."""
    parser.add_argument("model", metavar=metavar, help=also + FORM.removeprefix("expected ") + ALSO)
    add_options(parser)


def add_input(parser: argparse.ArgumentParser) -> None:
    """The argument that gives a model inputs, where its factory returns none."""
    help_of_input = "random numbers of that shape, 1,3,224,224; can be repeated"
    parser.add_argument("--input", metavar="SIZE", action="append", type=_size, help=help_of_input)


def _size(text: str) -> tuple[int, ...]:
    """``1,3,224,224`` or ``1x3x224x224`` as a shape."""
    if not re.fullmatch(r"\d+([,x]\d+)*", text, re.ASCII):
        raise ArgumentTypeError(f"{text!r} is no shape: give whole numbers, as in 1,3,224,224")
    return tuple(int(part) for part in re.split("[,x]", text))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how a model is run."""
    add_input(parser)
    parser.add_argument("--warmup", type=int, default=0, metavar="N", help="runs before the recorded one")
    parser.add_argument("--backward", action="store_true", help="go backward from the sum of the outputs")
    parser.add_argument("--loss", metavar="MODULE:FUNCTION", help="go backward from function(output) instead")
    parser.add_argument("--optimizer", metavar="MODULE:FUNCTION", help="make a step of function(model) as well")


def add_fake(parser: argparse.ArgumentParser) -> None:
    """The argument that runs a model without its weights."""
    parser.add_argument(
        "--fake",
        action="store_true",
        help="build on the meta device and record under fake tensors: no weights, no compute",
    )


def is_fake(arguments: argparse.Namespace) -> bool:
    """Whether the model is run without its weights; not every verb can, but an exported program always is."""
    return bool(getattr(arguments, "fake", False)) or is_program(arguments.model)


def is_program(text: str) -> bool:
    """Whether *text* names the file of an exported program."""
    return text.endswith(PROGRAM)


def spelled(arguments: argparse.Namespace) -> str:
    """The arguments that name a model and how it is run, as they are written in a shell."""
    words = [shlex.quote(arguments.model)]
    words += ["--fake"] if getattr(arguments, "fake", False) else []
    words += [f"--input {','.join(map(str, size))}" for size in arguments.input or ()]
    words += [f"--warmup {arguments.warmup}"] if arguments.warmup else []
    words += ["--backward"] if arguments.backward else []
    words += [f"--{key} {shlex.quote(spec)}" for key in ("loss", "optimizer") if (spec := getattr(arguments, key))]
    return " ".join(words)


def load(arguments: argparse.Namespace) -> Run:
    """What the factories named on the command line return."""
    if arguments.optimizer and not (arguments.backward or arguments.loss):
        raise Wrong("--optimizer needs gradients: give --backward, or --loss MODULE:FUNCTION, as well.")
    run = with_inputs(built(arguments.model, fake=is_fake(arguments)), arguments.input)
    return replace(run, options=_options(arguments, run.model))


def with_inputs(run: Run, sizes: Sequence[tuple[int, ...]] | None) -> Run:
    """The same run, called with random numbers of *sizes*; as it is where there are none."""
    if not sizes:
        return run
    if run.args != () or run.kwargs:
        raise Wrong(f"{run.spec}() returns inputs: leave out --input, or return the model alone.")
    with torch_wanted():
        from pytest_torchgraph.tracking.summary import random_inputs
    return replace(run, args=random_inputs(sizes))


def built(spec: str, *, fake: bool = False) -> Run:
    """The model that the factory *spec* returns, and what it is called with; with *fake*, made on ``meta``."""
    if is_program(spec):
        return Run(spec, _program(spec), (), {}, {})
    produced = _made_on_meta(spec) if fake else produced_by(spec, FORM)
    parts = produced if isinstance(produced, tuple) else (produced,)
    if not 1 <= len(parts) <= 3 or not callable(parts[0]):
        raise Wrong(f"{spec}() returned {_shape(produced)}; expected a model, (model, args) or (model, args, kwargs).")
    if len(parts) == 3 and not isinstance(parts[2], Mapping):
        raise Wrong(f"{spec}() returned {_shape(produced)}; the third part is a mapping of keyword arguments.")
    args = parts[1] if len(parts) > 1 else ()
    return Run(spec, parts[0], args, parts[2] if len(parts) > 2 else {}, {})


def _program(path: str) -> Any:
    """The exported program in the file at *path*."""
    with torch_wanted():
        from pytest_torchgraph.capture.exported import NoProgram, program_of
    try:
        return program_of(path)
    except NoProgram as error:
        raise Wrong(f"{error}.") from error
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}.") from None


def _made_on_meta(spec: str) -> Any:
    with torch_wanted():
        from pytest_torchgraph.capture.fake_run.subject import made_on_meta
    try:
        return made_on_meta(partial(produced_by, spec, FORM), spec)
    except TypeError as error:
        raise Wrong(f"{spec}: {error}") from None


def _options(arguments: argparse.Namespace, model: Any) -> dict[str, Any]:
    """The keyword arguments of ``trace`` that the command line asks for."""
    fake = is_fake(arguments)
    optimizer = partial(_optimizer, arguments.optimizer) if arguments.optimizer else None
    return {
        "warmup": arguments.warmup,
        "backward": found(arguments.loss, LOSS) if arguments.loss else arguments.backward,
        "optimizer": optimizer(model) if optimizer and not fake else optimizer,
        **({"fake": True} if fake else {}),
    }


def _optimizer(spec: str, model: Any) -> Any:
    """What the function returns for *model*; a class is given the parameters, as PyTorch's own optimizers want it."""
    takes_parameters = isinstance(found(spec, OPTIMIZER), type) and callable(getattr(model, "parameters", None))
    return produced_by(spec, OPTIMIZER, model.parameters() if takes_parameters else model)


def _shape(produced: Any) -> str:
    if isinstance(produced, tuple):
        return f"({', '.join(type(part).__name__ for part in produced)})"
    return type(produced).__name__


def trace(run: Run) -> Graph:
    """The graph of one run."""
    with repeated(run) as once:
        return once()


@contextmanager
def torch_wanted() -> Iterator[None]:
    """Raise ``Wrong`` where PyTorch is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Wrong(
            "PyTorch is not installed in this environment; running a model needs it: pip install torch"
        ) from None


@contextmanager
def repeated(run: Run) -> Iterator[Callable[[], Graph]]:
    """What runs the model each time it is called; it is as it was when the context closes."""
    with torch_wanted():
        from pytest_torchgraph.capture import options, tracing
    with ExitStack() as stack:
        with explained(run):
            chosen = options.Options(**run.options)
            once = stack.enter_context(tracing.repeated(run.model, run.args, run.kwargs, chosen))
        yield lambda: _explained(run, once)


def _explained(run: Run, once: Callable[[], Graph]) -> Graph:
    with explained(run):
        return once()


@contextmanager
def explained(run: Run) -> Iterator[None]:
    """Raise as ``Wrong`` whatever the model raises."""
    try:
        yield
    except (Exception, SystemExit) as error:
        notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
        rest = "".join(f"\n  {line}" for line in str(error).splitlines()[1:])
        bare = isinstance(error, TypeError) and isinstance(run.args, tuple) and not run.args and not run.kwargs
        hint = f"\n  {_hint(run.spec)}" if bare else ""
        raise Wrong(f"{run.spec} does not run: {told(error)}{rest}{notes}{hint}") from error


def _hint(spec: str) -> str:
    """What to do where a model that needs inputs was given none."""
    if is_program(spec):
        return f"On the command line: a factory that returns (torch.export.load({spec!r}), args)."
    return f"{spec}() returned no inputs: return (model, args), or give --input 1,3,224,224."
