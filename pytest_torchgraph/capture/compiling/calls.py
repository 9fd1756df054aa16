"""Module calls of a compiled run, told by the frames that are open: whatever is hung on a module would be compiled."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, NamedTuple

from torch import nn

from pytest_torchgraph.capture.module import ModuleCalls, OpenScope
from pytest_torchgraph.capture.operation import Where
from pytest_torchgraph.capture.target import Target
from pytest_torchgraph.capture.tensor import Identity

CALL: Any = nn.Module._call_impl.__code__
"""The code that every call of a module goes through."""


class Call(NamedTuple):
    """A module call that is open: the module, and the method that its frame is about to call.

    A frame makes the method anew, so it lives as long as the call: two calls of one module are told apart by it.
    """

    module: nn.Module
    method: Any


class KnownCall:
    """A module call that was met, and its scope."""

    __slots__ = ("method", "parent", "scope")

    def __init__(self, call: Call, parent: int, scope: int) -> None:
        self.method: Any = reference_to(call.method)
        self.parent = parent
        self.scope = scope

    def is_of(self, call: Call, parent: int) -> bool:
        """Whether *call* inside of the scope *parent* is this one."""
        return self.parent == parent and self.method() is call.method


def reference_to(method: Any) -> Any:
    """A weak reference to the very object *method*, not to what it is bound to."""
    try:
        return weakref.ref(method)
    except TypeError:
        return lambda: method


class FrameCalls(ModuleCalls):
    """Finds the module call that runs from Python's frames; nothing is patched.

    Wrong where a module's own ``forward`` attribute stands in for the method of its class and is called twice by the
    same call around it, both outside of compiled graphs: the two calls are told as one.
    """

    def __init__(self, target: Target, modules: list[tuple[str, nn.Module]], where: Where, identity: Identity) -> None:
        super().__init__(target, modules, where, identity)
        self.known: list[KnownCall] = []
        self.by_path = dict(modules)

    def now(self) -> int:
        """The scope of the innermost module call that is open as a Python frame."""
        scope = 0
        for call in open_calls():
            entry = self.paths.get(id(call.module))
            if entry is None or entry[0]() is not call.module or call.module is self.root:
                continue
            scope = self._scope_of(call, scope)
        return scope

    def path_now(self) -> str:
        """The path of the innermost module call that is open as a Python frame."""
        return self.scopes[self.now()].path

    def _scope_of(self, call: Call, parent: int) -> int:
        for one in self.known:
            if one.is_of(call, parent):
                return one.scope
        scope = self.begin(parent, self.path_of(call.module), type(call.module).__name__, self.flag_of(call.module))
        self.known.append(KnownCall(call, parent, scope))
        return scope

    def begin(self, parent: int, path: str, class_name: str, training: bool | None) -> int:  # noqa: FBT001 -- a flag that may be missing
        """A new scope inside of *parent*."""
        self.scopes.append(OpenScope(parent, path, class_name, self.identity.clock, training))
        return len(self.scopes) - 1

    def measure(self, operations: Iterable[int]) -> None:
        """Work out from the scopes of all *operations*, in order, where each scope begins and ends."""
        known: set[int] = set()
        for place, operation in enumerate(operations):
            scope: int | None = operation
            while scope is not None:
                record = self.scopes[scope]
                record.start = record.start if scope in known else place
                record.end = place + 1
                known.add(scope)
                scope = record.parent

    def path_behind(self, key: str) -> str:
        """The path of the module that PyTorch's compiler knows by *key*, its ``id``; empty where there is none."""
        entry = self.paths.get(int(key)) if key.isdecimal() else None
        return "" if entry is None or entry[0]() is None else entry[1]

    def module_at(self, path: str) -> nn.Module | None:
        """The module at *path*."""
        return self.by_path.get(path)


def open_calls() -> Iterator[Call]:
    """The module calls that are open as Python frames, the outermost first."""
    found: list[Call] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is CALL:
            local = frame.f_locals
            if "forward_call" in local:
                found.append(Call(local["self"], local["forward_call"]))
        frame = frame.f_back
    yield from reversed(found)


class FrameWhere(Where):
    """Where a compiled run is: in the module call that a graph says, else in the one that is open as a frame."""

    calls: FrameCalls | None = None

    def __init__(self) -> None:
        self.inside: int | None = None
        super().__init__()

    @property
    def scope(self) -> int:
        """The scope of the module call that runs now."""
        if self.inside is not None:
            return self.inside
        return 0 if self.calls is None else self.calls.now()

    @scope.setter
    def scope(self, value: int) -> None:
        """Nothing is entered: the frames tell."""
