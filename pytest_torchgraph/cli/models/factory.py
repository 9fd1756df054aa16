"""What ``module:name`` stands for on the command line: found, and called."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.models.failures import told
from pytest_torchgraph.words.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Callable


def produced_by(spec: str, form: str, *given: Any) -> Any:
    """What the callable named by *spec* returns when it is called with *given*; *form* says what was expected."""
    function = found(spec, form)
    needed = _needed(function)[len(given) :]
    if needed:
        raise Wrong(f"{spec} needs {', '.join(needed)}: {form}.")
    try:
        return function(*given)
    except (Exception, SystemExit) as error:
        raise Wrong(f"{spec}() failed: {told(error)}") from error


def found(spec: str, form: str) -> Callable[..., Any]:
    """The callable named by *spec*; modules are looked for in the current folder, too."""
    module_name, _, name = spec.partition(":")
    if module_name.endswith(".py") or not all(map(str.isidentifier, (*module_name.split("."), *name.split(".")))):
        raise Wrong(f"{spec!r} names nothing to call: {form}{_with_colon(spec)}.")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    named: Any = _imported(spec, module_name)
    for part in name.split("."):
        if not hasattr(named, part):
            raise Wrong(f"{spec!r}: {module_name} has no {name!r}{nearest(part, dir(named))}")
        named = getattr(named, part)
    if not callable(named):
        raise Wrong(f"{spec!r} is a {type(named).__name__}, and cannot be called: {form}.")
    function: Callable[..., Any] = named
    return function


def _with_colon(spec: str) -> str:
    module, dot, name = spec.rpartition(".")
    dotted = dot and ":" not in spec and name != "py" and all(map(str.isidentifier, spec.split(".")))
    return f"; did you mean {module}:{name}?" if dotted else ""


def _needed(function: Callable[..., Any]) -> list[str]:
    """Parameters of *function* that have no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    loose = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each.name for each in parameters if each.default is each.empty and each.kind not in loose]


def _imported(spec: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise Wrong(f"{spec!r}: there is no module {error.name!r} here or among the installed packages.") from None
        raise Wrong(f"{spec!r}: {module_name} cannot be imported: {told(error)}") from error
    except (Exception, SystemExit) as error:
        raise Wrong(f"{spec!r}: {module_name} cannot be imported: {told(error)}") from error
