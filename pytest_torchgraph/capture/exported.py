"""Graph modules and exported programs: their nodes tell which module call and which line each operation belongs to."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from os import PathLike, fspath
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from zipfile import ZipFile, is_zipfile

import torch
from torch import fx, nn
from torch.export import ExportedProgram, load
from torch.utils import _pytree as pytree

from pytest_torchgraph.capture.module import ModuleCalls, OpenScope
from pytest_torchgraph.capture.operation import OperationMode, Where

if TYPE_CHECKING:
    from pytest_torchgraph.capture.compiling.nodes import ModuleCall

Stack: TypeAlias = "tuple[ModuleCall, ...]"
"""The module calls around a node, the outermost first."""
SUFFIX = ".pt2"
PARTS = ("/models/", "serialized_exported_program.json")
"""Where programs lie in an archive; the latter before PyTorch 2.8."""


class Recording(Protocol):
    """What a run is recorded with."""

    mode: OperationMode
    where: Where
    modules: ModuleCalls


class NoInputs(TypeError):
    """A graph module alone says nothing of its inputs."""


class NoProgram(ValueError):
    """A file that holds no exported program, or one that this PyTorch cannot load."""


def is_exported(model: object) -> bool:
    """Whether *model* is an exported program, or the path of a file that holds one."""
    return isinstance(model, ExportedProgram) or (isinstance(model, (str, PathLike)) and fspath(model).endswith(SUFFIX))


def program_of(model: Any) -> ExportedProgram:
    """The program that *model* is or that lies in the file at *model*.

    Raises :class:`NoProgram` where none lies there, and ``OSError`` where the file cannot be read.
    """
    if isinstance(model, ExportedProgram):
        return model
    path = Path(fspath(model))
    with path.open("rb"), heard() as complaints, warnings.catch_warnings():
        # Where warnings are errors, those of PyTorch's own loading would end it.
        warnings.filterwarnings("ignore", "The given buffer is not writable", UserWarning)
        try:
            return load(fspath(path))
        except Exception as error:  # noqa: BLE001 -- whatever a file that is none runs into
            cause = complaints[0] if complaints else error
            raise NoProgram(f"{path}: {what_is_wrong(path, cause)}") from cause


@contextmanager
def heard() -> Iterator[list[BaseException]]:
    """The exceptions that PyTorch logs while the context is open, and goes on without."""
    complaints: list[BaseException] = []

    def hear(record: logging.LogRecord) -> bool:
        told = (record.exc_info or ())[1:2] + tuple(record.args or ())
        errors = [one for one in told if isinstance(one, BaseException)]
        complaints.extend(errors)
        return not errors

    log = logging.getLogger("torch.export")
    log.addFilter(hear)
    try:
        yield complaints
    finally:
        log.removeFilter(hear)


def what_is_wrong(path: Path, error: BaseException) -> str:
    """Why there is no program to be had from the file at *path*, which failed to load with *error*."""
    if not is_zipfile(path):
        return "no exported program: torch.export.save writes a zip archive, and this is none"
    with ZipFile(path) as archive:
        names = archive.namelist()
    if not any(part in name for name in names for part in PARTS):
        return "no exported program: the archive holds something else (torch.export.save writes one)"
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    reason = shorten(f"{type(error).__name__}: {error}", 160, placeholder=" ...")
    return (
        f"PyTorch {torch.__version__} cannot load this exported program ({reason}). "
        "Where it uses operators of a library, import that first"
    )


def made_runnable(
    model: Any, args: Any, kwargs: Mapping[str, Any] | None
) -> tuple[nn.Module, Any, Mapping[str, Any] | None, bool]:
    """The module of an exported program and its inputs, and whether it is to be followed without running.

    That is so where no inputs are given: then they are those that the program was exported with.
    """
    program = program_of(model)
    if kwargs or not isinstance(args, tuple) or args:
        return program.module(), args, kwargs, False
    given = example_inputs(program)
    return program.module(check_guards=False), *given, True  # they fit, as the program was made of them


def example_inputs(program: ExportedProgram) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The inputs that *program* was exported with; raises :class:`NoInputs` where it kept none."""
    found: tuple[tuple[Any, ...], Mapping[str, Any]] | None = program.example_inputs
    if found is None:
        raise NoInputs("this exported program kept no example inputs: pass the inputs, trace(program, (x,))")
    return found


def stack_of(node: fx.Node) -> Stack:
    """The module calls around *node* inside of the one whose code the graph was made of."""
    from pytest_torchgraph.capture.compiling.nodes import module_calls

    calls = tuple(call for call in module_calls(node) if call.path)
    # The call that the node itself makes is met when it is made.
    return calls[:-1] if node.op == "call_module" else calls


def tells(module: nn.Module) -> bool:
    """Whether *module* is a graph module whose nodes say which module calls they come from."""
    if not isinstance(module, fx.GraphModule):
        return False
    from pytest_torchgraph.capture.compiling.nodes import module_calls

    return any(map(module_calls, module.graph.nodes))


@contextmanager
def following_nodes(recording: Recording) -> Iterator[None]:
    """Run graph modules node by node while the context is open, each node in the module call that it tells."""
    plain: dict[type[nn.Module], Any] = {}
    try:
        for path, module in recording.modules.modules:
            kind = type(module)
            if kind not in plain and tells(module) and "forward" in vars(kind):
                plain[kind] = vars(kind)["forward"]
                kind.forward = by_nodes(plain[kind], recording, path)
        yield
    finally:
        for kind, forward in plain.items():
            kind.forward = forward


def by_nodes(forward: Callable[..., Any], recording: Recording, path: str) -> Callable[..., Any]:
    """*forward* of the graph module at *path*, run node by node."""

    @wraps(forward)
    def run(module: fx.GraphModule, *args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(forward).bind(module, *args, **kwargs)
        given.apply_defaults()
        _, *values = given.args
        flattened = is_flattened(module)
        leaves = pytree.arg_tree_leaves(*values) if flattened else values
        del given, values, args, kwargs  # what nobody else holds must die with its last use
        output = NodeRunner(module, recording, path).run(*leaves, enable_io_processing=False)
        return module.graph.process_outputs(output) if flattened else output

    return run


def is_flattened(module: fx.GraphModule) -> bool:
    """Whether *module* takes its inputs apart into leaves before its first node."""
    return isinstance(module.graph._codegen, fx.graph._PyTreeCodeGen)


class NodeRunner(fx.Interpreter):
    """Runs one graph module, each node in the scope of its module call."""

    def __init__(self, module: fx.GraphModule, recording: Recording, path: str) -> None:
        from pytest_torchgraph.capture.compiling.nodes import tell

        super().__init__(module)
        self.tell = tell
        self.recording = recording
        self.base = recording.where.scope
        self.path = path
        self.scopes: dict[Stack, int] = {}

    def run_node(self, n: fx.Node) -> Any:
        """The value of the node *n*, worked out in its scope."""
        if n.op in ("placeholder", "output", "get_attr"):
            return super().run_node(n)
        recording, where = self.recording, self.recording.where
        around, begun = where.scope, len(recording.mode.log)
        scope = where.scope = self._scope(stack_of(n))
        try:
            value = super().run_node(n)
        finally:
            where.scope = around
            self._close(scope)
        self.tell(recording.mode.log, begun, n)
        return value

    def _scope(self, stack: Stack) -> int:
        """The scope of the innermost call in *stack*."""
        if not stack:
            return self.base
        known = self.scopes.get(stack)
        if known is None:
            parent, call = self._scope(stack[:-1]), stack[-1]
            calls = self.recording.modules
            full = ".".join(filter(None, (self.path, call.path)))
            calls.scopes.append(OpenScope(parent, full, call.class_name, calls.identity.clock, None))
            known = self.scopes[stack] = len(calls.scopes) - 1
        return known

    def _close(self, scope: int) -> None:
        """Let *scope* and those around it end here for now."""
        scopes, clock = self.recording.modules.scopes, self.recording.modules.identity.clock
        while scope != self.base:
            scopes[scope].end = clock
            parent = scopes[scope].parent
            if parent is None:
                return
            scope = parent
