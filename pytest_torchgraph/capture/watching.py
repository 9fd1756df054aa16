"""Observe or forbid single operations and API calls while they are recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

from torch import Tensor
from torch.overrides import TorchFunctionMode

from pytest_torchgraph.analysis.tally import require_known
from pytest_torchgraph.capture.capability import never_compiled
from pytest_torchgraph.capture.operation import OperationMode, overload_of
from pytest_torchgraph.capture.source import source_line, user_frame
from pytest_torchgraph.catalog.vocabulary import operation_names
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import SourceLine, packet_of

API = "torch."


class OperationForbidden(AssertionError):
    """A forbidden operation was about to run."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One call of a watched operation, just before it runs.

    ``name`` is the full operation (``aten.clone.default``) or API name. ``scope`` is the path of the module that called
    it; empty outside of modules and in backward. ``tensors`` are the dtype and shape of each tensor argument. No tensor
    is kept: that would change the run.
    """

    name: str
    scope: str
    tensors: tuple[str, ...]
    source: SourceLine | None

    def __str__(self) -> str:
        place = f" in {self.scope}" if self.scope else ""
        line = f" at {self.source.file}:{self.source.line}" if self.source else ""
        return f"{self.name}({', '.join(self.tensors)}){place}{line}"


See: TypeAlias = Callable[[Sighting], None]


@dataclass(frozen=True, slots=True)
class Watcher:
    """What to call for each of the named operations; an exception passes through the model to the caller."""

    names: tuple[str, ...]
    see: See


def on_operation(*names: str) -> Callable[[See], Watcher]:
    """Make a function of one :class:`Sighting` a watcher of operations, for :func:`watching`.

    *names* are dispatcher operations (``aten.clone``, ``aten.add.Tensor``) or API calls (``F.softmax``,
    ``torch.Tensor.item``). An API call is watched under all its names, where the model itself makes it; not where
    another function of PyTorch does. Raises ``LookupError`` for a name that nothing has.
    """
    __tracebackhide__ = True
    if not names:
        raise ValueError("expected the name of an operation, such as 'aten.clone'")
    for name in names:
        spelled(name)
    return lambda see: Watcher(names, see)


def forbid(*names: str) -> Watcher:
    """A watcher that raises :class:`OperationForbidden` where one of the operations is about to run."""
    __tracebackhide__ = True

    @on_operation(*names)
    def refuse(sighting: Sighting) -> None:
        __tracebackhide__ = True
        raise OperationForbidden(f"forbidden: {sighting}")

    return refuse


_active: list[Watcher] = []


@contextmanager
def watching(*watchers: Watcher) -> Iterator[None]:
    """Call *watchers* in every recording (``trace``, ``record``) that starts inside the context."""
    _active.extend(watchers)
    try:
        yield
    finally:
        del _active[len(_active) - len(watchers) :]


@contextmanager
def unwatched() -> Iterator[None]:
    """Call no watcher in recordings that start inside the context: they are not the user's."""
    active = list(_active)
    _active.clear()
    try:
        yield
    finally:
        _active[:] = active


@contextmanager
def watched(mode: OperationMode, scope_path: Callable[[], str]) -> Iterator[OperationMode]:
    """*mode*, or one that calls the watchers of operations first; watchers of API calls are called meanwhile."""
    operations: dict[str, list[See]] = {}
    functions: dict[Any, list[tuple[str, See]]] = {}
    for watcher in _active:
        for name in watcher.names:
            if is_api(name):
                for function in _functions(name):
                    functions.setdefault(function, []).append((_full_name(name), watcher.see))
            else:
                operations.setdefault(name, []).append(watcher.see)

    with ExitStack() as stack:
        if functions:
            stack.enter_context(ApiMode(functions, scope_path))
        yield WatchedMode(mode, operations, scope_path) if operations else mode


class WatchedMode(OperationMode):
    """Records as *mode* would, and calls watchers before operations."""

    def __init__(self, mode: OperationMode, operations: dict[str, list[See]], scope_path: Callable[[], str]) -> None:
        super().__init__(mode.identity, mode.where, mode.guard, mode.phases)
        self.sees_compiled = mode.sees_compiled
        self.operations = operations
        self.scope_path = scope_path

    @never_compiled
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        __tracebackhide__ = True
        name = overload_of(func).name
        for see in (*self.operations.get(name, ()), *self.operations.get(packet_of(name), ())):
            see(sighting(name, self.scope_path(), args))
        return super().__torch_dispatch__(func, types, args, kwargs)


class ApiMode(TorchFunctionMode):
    """Calls watchers before API functions."""

    def __init__(self, functions: dict[Any, list[tuple[str, See]]], scope_path: Callable[[], str]) -> None:
        super().__init__()
        self.functions = functions
        self.scope_path = scope_path

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        __tracebackhide__ = True
        for name, see in self.functions.get(func, ()):
            see(sighting(name, self.scope_path(), args))
        return func(*args, **(kwargs or {}))


def sighting(name: str, scope: str, args: Any) -> Sighting:
    """The record of a call with *args*."""
    flat = (part for argument in args for part in (argument if isinstance(argument, (list, tuple)) else (argument,)))
    tensors = (f"{str(one.dtype)[6:]}{list(one.shape)}" for one in flat if isinstance(one, Tensor))
    return Sighting(name, scope, tuple(tensors), source_line(user_frame(3)))


def is_api(name: str) -> bool:
    """Whether *name* is one of PyTorch's Python API, not an operation of the dispatcher."""
    return _full_name(name).startswith(API)


def _full_name(name: str) -> str:
    from pytest_torchgraph.catalog.search import full_name

    return full_name(name)


def _functions(name: str) -> list[Any]:
    """What PyTorch's Python API calls *name*, under whatever names; loaded where anyone watches it."""
    from pytest_torchgraph.catalog.operations import collected_api
    from pytest_torchgraph.catalog.search import same_function

    return list(same_function(collected_api(), name))


def spelled(name: str) -> None:
    """Raise ``LookupError`` with what to write instead, where nothing is called *name*."""
    __tracebackhide__ = True
    if is_api(name):
        _functions(name)
    else:
        require_known(name, operation_names)
