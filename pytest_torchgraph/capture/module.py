"""Module calls while the model runs: which module is at work, seen from outside the model."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from pytest_torchgraph.capture.operation import Where
from pytest_torchgraph.capture.target import Target
from pytest_torchgraph.capture.tensor import Identity


class OpenScope:
    """A module call as it is recorded; ``operations`` become a range when it ends."""

    __slots__ = ("class_name", "end", "parent", "path", "start", "training")

    def __init__(self, parent: int | None, path: str, class_name: str, start: int, *, training: bool | None) -> None:
        self.parent = parent
        self.path = path
        self.class_name = class_name
        self.training = training
        self.start = start
        self.end = start


class ModuleCalls:
    """Follows module calls: ``nn.Module.__call__``, and ``forward`` called directly on a module of the model.

    ``modules`` are those that the traced callable holds, by path. ``identity`` tells how many operations there were.
    """

    def __init__(self, target: Target, modules: list[tuple[str, nn.Module]], where: Where, identity: Identity) -> None:
        self.where = where
        self.identity = identity
        self.modules = modules
        self.root = target.roots.get("")
        self.root_started = False
        self.scopes = [OpenScope(None, "", target.class_name, 0, training=modules[0][1].training if modules else None)]
        self.paths = {id(module): (weakref.ref(module), path) for path, module in modules}
        self.entered: set[int] = set()

    def adopt(self, path: str, module: nn.Module) -> None:
        """Name *module*, met during the run, and all modules inside it that have no name yet."""
        for name, child in module.named_modules(prefix=path):
            known = self.paths.get(id(child))
            if known is None or known[0]() is not child:
                self.paths[id(child)] = (weakref.ref(child), name)

    def path_of(self, module: nn.Module) -> str:
        """The path of *module*; one that is not part of the model takes its class's name, in the module that calls it.

        Such a module may be made anew in every call, so only a weak reference is kept and its name is not numbered.
        """
        known = self.paths.get(id(module))
        if known is None or known[0]() is not module:
            around = self.scopes[self.where.scope].path
            name = type(module).__name__
            self.adopt(f"{around}.{name}" if around else name, module)
            known = self.paths[id(module)]
        return known[1]

    def run(self, module: nn.Module, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run *call* within the scope of *module*."""
        where = self.where
        outer = where.scope
        if module is self.root and not self.root_started:
            self.root_started = True
            scope = self.scopes[0]
        else:
            path = self.path_of(module)
            scope = OpenScope(outer, path, type(module).__name__, self.identity.clock, training=module.training)
            where.scope = len(self.scopes)
            self.scopes.append(scope)
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            where.fail(error)
            raise
        finally:
            scope.end = self.identity.clock
            where.scope = outer

    def watched_forward(self, module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        """*forward* that opens a scope when it was called by itself rather than through the module's call."""
        entered, key = self.entered, id(module)

        def watched(*args: Any, **kwargs: Any) -> Any:
            if key in entered:
                entered.discard(key)
                return forward(*args, **kwargs)
            return self.run(module, forward, args, kwargs)

        # Libraries read the signature of a module's forward, and the module behind it.
        watched.__wrapped__ = forward  # type: ignore[attr-defined]
        watched.__self__ = module  # type: ignore[attr-defined]
        return watched


@contextmanager
def following(calls: ModuleCalls) -> Iterator[None]:
    """Follow module calls while the context is open, and leave every module as it was."""
    plain_call = nn.Module.__call__

    entered = calls.entered

    def watched_call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        key = id(module)
        if key in watched:
            entered.add(key)
        try:
            return calls.run(module, plain_call, (module, *args), kwargs)
        finally:
            entered.discard(key)

    watched: dict[int, tuple[nn.Module, Callable[..., Any] | None]] = {}
    try:
        nn.Module.__call__ = watched_call  # type: ignore[method-assign]
        watch_forwards(calls, watched)
        yield
    finally:
        nn.Module.__call__ = plain_call  # type: ignore[method-assign]
        for module, own in watched.values():
            if own is None:
                module.__dict__.pop("forward", None)
            else:
                module.__dict__["forward"] = own


def watch_forwards(calls: ModuleCalls, watched: dict[int, tuple[nn.Module, Callable[..., Any] | None]]) -> None:
    """Put a watching ``forward`` on every module of the model, noting what to put back."""
    for _, module in calls.modules:
        # A ScriptModule keeps its forward in C++ and a container has none.
        if isinstance(module, torch.jit.ScriptModule) or not has_forward(module):
            continue
        own = module.__dict__.get("forward")
        watched[id(module)] = (module, own)
        module.__dict__["forward"] = calls.watched_forward(module, module.forward)


def has_forward(module: nn.Module) -> bool:
    """Whether calling *module* can reach a ``forward`` of its own."""
    missing = getattr(nn.Module.forward, "__name__", "")
    return getattr(type(module).forward, "__name__", None) != missing or "forward" in module.__dict__
