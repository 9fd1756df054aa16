"""What is traced: a module, or any callable and the modules it holds."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Target:
    """A callable, the name of its class, and the modules it holds by the path they get."""

    function: Callable[..., Any] | None
    class_name: str
    roots: dict[str, nn.Module]


def target_of(model: Any) -> Target:
    """Find the modules behind *model*; raises ``TypeError`` when it cannot be called."""
    if isinstance(model, nn.Module):
        return Target(model, type(model).__name__, {"": model})
    if not callable(model):
        raise TypeError(
            f"the model must be callable, not {type(model).__name__}: "
            "pass a torch.nn.Module, a function, or a method of a module"
        )
    inner = model
    while isinstance(inner, functools.partial):
        inner = inner.func
    owner = getattr(inner, "__self__", None)
    name = getattr(inner, "__name__", type(inner).__name__).replace("<lambda>", "lambda")
    if isinstance(inner, nn.Module):
        return Target(model, type(inner).__name__, {"": inner})
    if isinstance(owner, nn.Module):
        is_forward = name == "forward"
        return Target(model, type(owner).__name__ + ("" if is_forward else f".{name}"), {"": owner})
    return Target(model, name, modules_of(inner))


def modules_of(function: Any) -> dict[str, nn.Module]:
    """The modules that a function closes over or names globally, or that an object holds, by name."""
    found: dict[str, Any] = {}
    code = getattr(function, "__code__", None)
    if code is not None:
        found.update({name: function.__globals__.get(name) for name in code.co_names})
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                found[name] = cell.cell_contents
            except ValueError:  # the name is bound only later
                continue
    else:
        found.update(getattr(function, "__dict__", {}))
    found.update(vars(function.__self__) if hasattr(getattr(function, "__self__", None), "__dict__") else {})
    return {name: value for name, value in found.items() if isinstance(value, nn.Module)}


def libraries_of(roots: dict[str, nn.Module]) -> tuple[tuple[str, str], ...]:
    """Name and version of the packages, PyTorch apart, whose module classes *roots* are made of."""
    packages = {type(module).__module__.partition(".")[0] for root in roots.values() for module in root.modules()}
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in packages - {"torch"}}
    return tuple((name, version) for name, version in sorted(versions.items()) if isinstance(version, str))


def leaves_of(roots: dict[str, nn.Module]) -> list[tuple[str, str, Tensor]]:
    """Kind, path and tensor of every parameter, buffer and plain tensor attribute of *roots*."""
    found: list[tuple[str, str, Tensor]] = []
    for prefix, root in roots.items():
        found.extend(("parameter", path, tensor) for path, tensor in root.named_parameters(prefix=prefix))
        found.extend(("buffer", path, tensor) for path, tensor in root.named_buffers(prefix=prefix))
        for path, module in root.named_modules(prefix=prefix):
            if isinstance(module, torch.jit.ScriptModule):
                continue
            stem = f"{path}." if path else ""
            found.extend(
                ("attribute", f"{stem}{name}", value)
                for name, value in vars(module).items()
                if isinstance(value, Tensor)
            )
    return found
