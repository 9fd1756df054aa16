"""What is traced: a module, or any callable and the modules it holds."""

from __future__ import annotations

import functools
import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import CellType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pytest_torchgraph.capture.pipeline import stages_of
from pytest_torchgraph.capture.tensor import NO_TENSORS
from pytest_torchgraph.capture.wrapper import named_parameters, unwrapped, unwraps_itself
from pytest_torchgraph.recorded.origin import Training
from pytest_torchgraph.recorded.tensor import StorageKind


@dataclass(frozen=True)
class Target:
    """A callable, the name of its class, and the modules it holds by the path they get."""

    function: Callable[..., Any] | None
    class_name: str
    roots: dict[str, nn.Module]


def target_of(model: Any) -> Target:
    """Find the modules behind *model*; raises ``TypeError`` when it cannot be called, or is a class of modules."""
    if isinstance(model, nn.Module):
        return Target(model, type(model).__name__, {"": model})
    if not callable(model):
        raise TypeError(
            f"the model must be callable, not {type(model).__name__}: "
            "pass a torch.nn.Module, a function, or a method of a module"
        )
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise TypeError(f"the model must be an instance, not the class {model.__name__}: pass {model.__name__}(...)")
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


def with_given(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Target:
    """*target* with the modules that a function is given, by the names of its arguments."""
    if target.function is None or isinstance(target.function, nn.Module):
        return target
    given = {name: value for name, value in kwargs.items() if isinstance(value, nn.Module)}
    if any(isinstance(value, nn.Module) for value in args):
        names = _names_of(target.function)
        found = ((place, value) for place, value in enumerate(args) if isinstance(value, nn.Module))
        given |= {names.get(place, f"args.{place}"): value for place, value in found}
    known = set(map(id, target.roots.values()))
    others = {name: value for name, value in given.items() if id(value) not in known}
    return replace(target, roots={**others, **target.roots}) if others else target


def _names_of(function: Callable[..., Any]) -> dict[int, str]:
    """Names of the arguments that may be given by their place; none where they are not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    named = (one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD))
    return dict(enumerate(named))


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
    modules = {name: value for name, value in found.items() if isinstance(value, nn.Module)}
    stages = [stage.submod for stage in stages_of([getattr(function, "__self__", None), *found.values()])]
    several = {f"stages.{place}": stage for place, stage in enumerate(stages)}
    return modules or ({"stage": stages[0]} if len(stages) == 1 else several)


CAPTURED = (
    *(nn.Module, Tensor, torch.Generator),
    *(torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, torch.amp.GradScaler),
)
"""What a function may use of its surroundings, and is put back there."""


def held_by(function: Any) -> list[Any]:
    """The objects behind a callable that are put back: itself, or what is :data:`CAPTURED` by a function.

    Those that it closes over or names globally count, also in a list, tuple or dictionary; the list itself does not,
    in which a test may write down what it sees.
    """
    found: list[Any] = []
    waiting, seen = [function], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, functools.partial):
            waiting.extend((value.func, *value.args, *value.keywords.values()))
        elif isinstance(value, FunctionType):
            named = (value.__globals__.get(name) for name in value.__code__.co_names)
            found.extend(captured([*named, *contents_of(value.__closure__ or ())]))
            waiting.extend(each for each in contents_of(value.__closure__ or ()) if isinstance(each, FunctionType))
        else:
            found.append(value)
    return found


def captured(values: Iterable[Any]) -> Iterator[Any]:
    """What counts among *values*, and in lists, tuples and dictionaries among them."""
    for value in values:
        parts = value.values() if type(value) is dict else value if type(value) in (list, tuple) else (value,)
        yield from (part for part in parts if isinstance(part, CAPTURED))


def contents_of(cells: Iterable[CellType]) -> Iterator[Any]:
    """What *cells* hold; nothing of one that is bound only later."""
    for cell in cells:
        try:
            yield cell.cell_contents
        except ValueError:
            continue


@dataclass(frozen=True)
class Holdings:
    """What a target holds at the start of a run: each module once by path, and each tensor of a module once."""

    modules: list[tuple[str, nn.Module]]
    leaves: list[tuple[StorageKind, str, Tensor]]

    @functools.cached_property
    def parameters(self) -> list[tuple[str, Tensor]]:
        """Every parameter of a module once by path, wrappers as they are."""
        return list(named_parameters(self.modules))

    @property
    def libraries(self) -> tuple[tuple[str, str], ...]:
        """Name and version of the packages, PyTorch apart, that the module classes come from."""
        packages = {type(module).__module__.partition(".")[0] for _, module in self.modules}
        versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in packages - {"torch"}}
        return tuple((name, version) for name, version in sorted(versions.items()) if isinstance(version, str))

    @property
    def flags(self) -> set[bool]:
        """The training flags of all modules that have one."""
        flags = Flags(self.modules)
        return {flag for _, module in self.modules if (flag := flags.of(module)) is not None}


class Flags:
    """The training flags of modules: a frozen TorchScript has none, and in an exported program they mean nothing."""

    def __init__(self, modules: list[tuple[str, nn.Module]]) -> None:
        self.fixed = {id(part) for _, module in modules if is_fixed(module) for part in module.modules()}

    def of(self, module: nn.Module) -> bool | None:
        """The flag of *module*; ``None`` where it has none."""
        flag: bool | None = getattr(module, "training", None)
        return None if self.fixed and id(module) in self.fixed else flag


def is_fixed(module: nn.Module) -> bool:
    """Whether *module* is that of an exported program: it has functions in the place of these two, which refuse."""
    own = vars(module)
    return "train" in own and "eval" in own


def training_of(flags: set[bool]) -> Training:
    """``train`` or ``eval`` where all agree."""
    if not flags:
        return "none"
    if len(flags) == 2:
        return "mixed"
    return "train" if True in flags else "eval"


def holdings_of(roots: dict[str, nn.Module]) -> Holdings:
    """Walk *roots* once; a module or tensor with several names keeps the first."""
    walked: set[nn.Module] = set()
    modules = [found for prefix, root in roots.items() for found in root.named_modules(walked, prefix)]
    seen: set[int] = set()
    leaves: list[tuple[StorageKind, str, Tensor]] = []
    for kind, registry in REGISTRIES:
        for path, module in modules:
            for name, value in registry(module):
                if type(value) in NO_TENSOR:
                    continue
                # A lazy module's parameters have no memory before its first call.
                if isinstance(value, Tensor) and id(value) not in seen and not is_lazy(value):
                    seen.add(id(value))
                    full = f"{path}.{name}" if path else name
                    if unwraps_itself(type(value)):
                        leaves.extend((kind, inner, tensor) for inner, tensor in unwrapped([(full, value)]))
                    else:
                        leaves.append((kind, full, value))
    return Holdings(modules, leaves)


NO_TENSOR = NO_TENSORS | {dict, OrderedDict, set, list, tuple, FunctionType}
"""Classes of most attributes of modules, which are no tensors."""


def parameters_of(module: nn.Module) -> Iterable[tuple[str, Any]]:
    """A module's own parameters; those of a ScriptModule live in C++."""
    if isinstance(module, torch.jit.ScriptModule):
        return module.named_parameters(recurse=False)
    return module._parameters.items()


def buffers_of(module: nn.Module) -> Iterable[tuple[str, Any]]:
    """A module's own buffers."""
    if isinstance(module, torch.jit.ScriptModule):
        return module.named_buffers(recurse=False)
    return module._buffers.items()


def attributes_of(module: nn.Module) -> Iterable[tuple[str, Any]]:
    """What a module holds in plain attributes; nothing where one look at their classes says that none is a tensor."""
    own = vars(module)
    no_tensors = isinstance(module, torch.jit.ScriptModule) or NO_TENSOR.issuperset(map(type, own.values()))
    return () if no_tensors else own.items()


REGISTRIES: tuple[tuple[StorageKind, Callable[[nn.Module], Iterable[tuple[str, Any]]]], ...] = (
    ("parameter", parameters_of),
    ("buffer", buffers_of),
    ("attribute", attributes_of),
)
