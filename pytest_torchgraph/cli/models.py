"""Models on the command line: ``module:factory``."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import Wrong

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pytest_torchgraph.graph.graph import Graph

FORM = "expected module:factory, such as models:build, where build() returns a model or (model, args[, kwargs])"


@dataclass(frozen=True, slots=True)
class Run:
    """A model and what it is called with."""

    model: Any
    args: Any = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a model and how it is run."""
    parser.add_argument("model", metavar="MODULE:FACTORY", help=FORM.removeprefix("expected "))
    parser.add_argument("--warmup", type=int, default=0, metavar="N", help="untraced runs before the recorded one")


def load(spec: str) -> Run:
    """What the factory named by *spec* returns; modules are looked for in the current folder, too."""
    produced = _factory(spec)()
    parts = produced if isinstance(produced, tuple) else (produced,)
    if not 1 <= len(parts) <= 3 or not callable(parts[0]):
        raise Wrong(f"{spec}() returned {_shape(produced)}; expected a model, (model, args) or (model, args, kwargs).")
    return Run(*parts)


def _factory(spec: str) -> Callable[[], Any]:
    module_name, _, name = spec.partition(":")
    if not module_name or not name or module_name.endswith(".py"):
        raise Wrong(f"{spec!r} names no factory: {FORM}.")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise Wrong(f"{spec!r}: there is no module {error.name!r} here or among the installed packages.") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise Wrong(f"{spec!r}: {module_name} has no {name!r}.")
        found = getattr(found, part)
    if not callable(found):
        raise Wrong(f"{spec!r} is a {type(found).__name__}, and cannot be called: {FORM}.")
    factory: Callable[[], Any] = found
    return factory


def _shape(produced: Any) -> str:
    if isinstance(produced, tuple):
        return f"({', '.join(type(part).__name__ for part in produced)})"
    return type(produced).__name__


def trace(spec: str, run: Run, *, warmup: int = 0) -> Graph:
    """The graph of one run."""
    try:
        from pytest_torchgraph.capture import recording
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Wrong(
            "PyTorch is not installed in this environment; running a model needs it: pip install torch"
        ) from None
    try:
        graph: Graph = recording.trace(run.model, run.args, run.kwargs, warmup=warmup)
    except Exception as error:
        notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
        raise Wrong(f"{spec} does not run: {type(error).__name__}: {error}{notes}") from error
    return graph
