"""Module calls while the model runs: which module is at work, seen from outside the model."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CellType, CodeType, FunctionType
from typing import Any, TypeAlias

from torch import Tensor, nn

from pytest_torchgraph.capture.operation import NOTES_FAILURES, Where
from pytest_torchgraph.capture.target import Flags, Target
from pytest_torchgraph.capture.tensor import Identity


class OpenScope:
    """A module call as it is recorded; ``operations`` become a range when it ends."""

    __slots__ = ("class_name", "end", "parent", "path", "start", "training")

    def __init__(self, parent: int | None, path: str, class_name: str, start: int, training: bool | None) -> None:  # noqa: FBT001 -- made for every module call
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
        self.flag_of = Flags(modules).of
        self.scopes = [OpenScope(None, "", target.class_name, 0, self.flag_of(modules[0][1]) if modules else None)]
        self.paths = {id(module): (weakref.ref(module), path) for path, module in modules}

    def flags(self) -> set[bool]:
        """The training flags of the modules that were called, as they were then; that of the root is one."""
        called = self.scopes if self.root is not None else self.scopes[1:]
        return {scope.training for scope in called if scope.training is not None}

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

    def parameter_path(self, parameter: Tensor) -> str | None:
        """Where a module holds *parameter* now; ``None`` where none does."""
        for path, module in self.modules:
            for name, value in module._parameters.items():
                if value is parameter:
                    return f"{path}.{name}" if path else name
        return None

    def open(self, module: nn.Module) -> Opened:
        """Enter the scope of *module*; :meth:`close` leaves it again."""
        where = self.where  # of each thread its own, and so slow to read
        around, outer = where.scope, where.module
        if module is self.root and not self.root_started:
            self.root_started = True
        else:
            known = self.paths.get(id(module))
            path = known[1] if known is not None and known[0]() is module else self.path_of(module)
            scope = OpenScope(around, path, type(module).__name__, self.identity.clock, self.flag_of(module))
            where.scope = len(self.scopes)
            self.scopes.append(scope)
        where.module = module
        return around, outer

    def close(self, opened: Opened) -> None:
        """Go back to where the run was before the scope was opened."""
        where = self.where
        self.scopes[where.scope].end = self.identity.clock
        where.scope, where.module = opened


Opened: TypeAlias = "tuple[int, nn.Module | None]"


@contextmanager
def following(calls: ModuleCalls) -> Iterator[None]:
    """Follow module calls while the context is open: ``Module.__call__`` and each class's ``forward`` are watched."""
    plain_forwards = forwards_of({type(module) for _, module in calls.modules})
    cells = {kind: known_to_itself(forward) for kind, forward in plain_forwards.items()}
    wrapped = [(cell, cell.cell_contents) for forward in plain_forwards.values() for cell in wrapped_by(forward)]
    try:
        for kind, forward in plain_forwards.items():
            set_forward(kind, watched_forward(calls, forward), cells[kind])
        for cell, forward in wrapped:
            cell.cell_contents = watched_forward(calls, forward)
        with other_code(nn.Module.__call__, calls):
            yield
    finally:
        for kind, forward in plain_forwards.items():
            set_forward(kind, forward, cells[kind])
        for cell, forward in wrapped:
            cell.cell_contents = forward


class Followed:
    """What ``Module.__call__`` has to know while it has other code: who follows it, and what it does by itself."""

    __slots__ = ("calls", "function")

    def __init__(self) -> None:
        self.calls: ModuleCalls | None = None
        self.function: Any = None


FOLLOWED = Followed()


@contextmanager
def other_code(function: Any, calls: ModuleCalls) -> Iterator[None]:
    """Let *function*, ``Module.__call__``, open scopes while the context is open.

    It stays the function that it is and gets other code. Setting an attribute of ``nn.Module`` makes Python go through
    every class of modules that is loaded, 500 with transformers, and forget where each finds its attributes.
    """
    plain = function.__code__
    same = FunctionType(plain, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    same.__kwdefaults__ = function.__kwdefaults__
    FOLLOWED.calls, FOLLOWED.function = calls, same
    function.__code__ = code_in_scope(plain.co_freevars)
    try:
        yield
    finally:
        function.__code__ = plain
        FOLLOWED.calls = None


@functools.cache
def code_in_scope(names: tuple[str, ...]) -> CodeType:
    """The code of :func:`called_in_scope` for a function whose closure has *names*, of which it reads none."""
    code = called_in_scope.__code__
    consts = tuple(FOLLOWED if each == "followed" else each for each in code.co_consts)
    made = code.replace(co_consts=consts, co_freevars=names)
    NOTES_FAILURES.add(made)
    return made


def called_in_scope(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """What the function returns whose code this becomes, run in a scope of *module*.

    Such code sees the globals of the function that it is given to, so that all it knows is a constant in it.
    """
    followed: Any = "followed"
    calls, function = followed.calls, followed.function
    if calls is None:  # another thread came here as the run ended
        return function(module, *args, **kwargs)
    opened = calls.open(module)
    try:
        return function(module, *args, **kwargs)
    except BaseException as error:
        calls.where.fail(error)
        raise
    finally:
        calls.close(opened)


def set_forward(kind: type[nn.Module], forward: Callable[..., Any], cells: list[CellType]) -> None:
    """Make *forward* that of *kind*, also where the plain one knows itself by *cells*."""
    kind.forward = forward
    for cell in cells:
        cell.cell_contents = forward


def forwards_of(kinds: set[type[nn.Module]]) -> dict[type[nn.Module], FunctionType]:
    """The class that defines ``forward``, and the function, for each of *kinds*; only plain functions are taken."""
    found: dict[type[nn.Module], FunctionType] = {}
    for kind in kinds:
        owner = next(base for base in kind.__mro__ if "forward" in vars(base))
        forward = vars(owner)["forward"]
        # A ScriptModule keeps its forward in C++; `nn.Module` itself has only one that raises.
        if owner is not nn.Module and isinstance(forward, FunctionType):
            found[owner] = forward
    return found


def known_to_itself(function: FunctionType) -> list[CellType]:
    """The cells of its closure in which *function* knows itself, and so may look whether it is its class's own.

    The layers of transformers do, and run without checkpointing where another function stands in their place.
    """
    return [cell for cell in function.__closure__ or () if _content(cell) is function]


def wrapped_by(forward: FunctionType) -> Iterator[CellType]:
    """The cells through which *forward* calls what it wraps.

    What the layers of transformers checkpoint is the function inside: the backward pass runs that again, and not the
    module's call or forward.
    """
    inner = getattr(forward, "__wrapped__", None)
    while isinstance(inner, FunctionType):
        yield from (cell for cell in forward.__closure__ or () if _content(cell) is inner)
        forward, inner = inner, getattr(inner, "__wrapped__", None)


def _content(cell: CellType) -> object:
    """What *cell* holds; nothing where it is still empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def watched(calls: ModuleCalls, function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, a method of modules, run in a scope of its module.

    The body is written out here rather than shared with other functions: a deep model has no frames to spare.
    """
    where = calls.where

    def run(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        opened = calls.open(module)
        try:
            return function(module, *args, **kwargs)
        except BaseException as error:
            where.fail(error)
            raise
        finally:
            calls.close(opened)

    NOTES_FAILURES.add(run.__code__)
    return run


def watched_forward(calls: ModuleCalls, forward: FunctionType) -> Callable[..., Any]:
    """*forward* that opens a scope where it was called by itself rather than through the module's call."""
    where, direct = calls.where, watched(calls, forward)

    @functools.wraps(forward)
    def run(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return (forward if where.module is module else direct)(module, *args, **kwargs)

    return run
