"""Models on the command line: ``module:factory``."""

from __future__ import annotations

import difflib
import importlib
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.failures import told

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from pytest_torchgraph.graph.graph import Graph

RETURNS = "a model or (model, args[, kwargs])"
FORM = f"expected module:factory, such as models:build, where build() returns {RETURNS}"


@dataclass(frozen=True, slots=True)
class Run:
    """A model and what it is called with."""

    model: Any
    args: Any = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a model and how it is run."""
    parser.add_argument("model", metavar="MODULE:FACTORY", help=FORM.removeprefix("expected "))
    parser.add_argument("--warmup", type=int, default=0, metavar="N", help="untraced runs before the recorded one")


def load(spec: str) -> Run:
    """What the factory named by *spec* returns; modules are looked for in the current folder, too."""
    factory = _factory(spec)
    produced = _called(spec, factory)
    parts = produced if isinstance(produced, tuple) else (produced,)
    if not 1 <= len(parts) <= 3 or not callable(parts[0]):
        raise Wrong(f"{spec}() returned {_shape(produced)}; expected a model, (model, args) or (model, args, kwargs).")
    if len(parts) == 3 and not isinstance(parts[2], Mapping):
        raise Wrong(f"{spec}() returned {_shape(produced)}; the third part is a mapping of keyword arguments.")
    return Run(*parts)


def _called(spec: str, factory: Callable[[], Any]) -> Any:
    needed = _needed(factory)
    if needed:
        raise Wrong(f"{spec}() needs {', '.join(needed)}; a factory takes nothing and returns {RETURNS}.")
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise Wrong(f"{spec}() failed: {told(error)}") from error


def _needed(factory: Callable[[], Any]) -> list[str]:
    """Parameters of *factory* that have no default."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return []
    loose = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each.name for each in parameters if each.default is each.empty and each.kind not in loose]


def _factory(spec: str) -> Callable[[], Any]:
    module_name, _, name = spec.partition(":")
    if module_name.endswith(".py") or not all(map(str.isidentifier, (*module_name.split("."), *name.split(".")))):
        raise Wrong(f"{spec!r} names no factory: {FORM}.")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    found = _imported(spec, module_name)
    for part in name.split("."):
        if not hasattr(found, part):
            raise Wrong(f"{spec!r}: {module_name} has no {name!r}{_nearest(part, found)}")
        found = getattr(found, part)
    if not callable(found):
        raise Wrong(f"{spec!r} is a {type(found).__name__}, and cannot be called: {FORM}.")
    factory: Callable[[], Any] = found
    return factory


def _imported(spec: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise Wrong(f"{spec!r}: there is no module {error.name!r} here or among the installed packages.") from None
        raise Wrong(f"{spec!r}: {module_name} cannot be imported: {told(error)}") from error
    except (Exception, SystemExit) as error:
        raise Wrong(f"{spec!r}: {module_name} cannot be imported: {told(error)}") from error


def _nearest(name: str, owner: object) -> str:
    near = difflib.get_close_matches(name, dir(owner), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."


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
    except (Exception, SystemExit) as error:
        notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
        rest = "".join(f"\n  {line}" for line in str(error).splitlines()[1:])
        bare = isinstance(error, TypeError) and not run.args and not run.kwargs
        hint = f"\n  {spec}() returned no inputs: return (model, args)." if bare else ""
        raise Wrong(f"{spec} does not run: {told(error)}{rest}{notes}{hint}") from error
    return graph
