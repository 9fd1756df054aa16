"""The record of one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.recorded.autograd import AutogradNode
from pytest_torchgraph.recorded.compilation import Compilation
from pytest_torchgraph.recorded.memory import Memory
from pytest_torchgraph.recorded.module import Scope
from pytest_torchgraph.recorded.operation import Call, Operation
from pytest_torchgraph.recorded.origin import Origin
from pytest_torchgraph.recorded.phase import Phase
from pytest_torchgraph.recorded.tensor import Storage, TensorRef
from pytest_torchgraph.recorded.timing import Timing

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, eq=False)
class Record:
    """What happened in one run: operations in order, the values they read and made, module calls, bytes.

    ``inputs`` and ``outputs`` are the tensors that were passed and returned, by path. ``notes`` are sentences for the
    reader ("recorded from the second call"); those that a session's summary shows are :class:`Told`. ``phases`` are the
    stretches of a training step that are not forward, ``nodes`` the autograd graph that its backward passes went
    through. ``vocabulary`` gives the operation names of the PyTorch that ran, ``fx_builder`` makes an fx module of the
    record; both are ``None`` for a graph read from a file.
    ``timing`` is there where it was asked for, ``compilation`` where a compiled model was recorded.
    """

    operations: tuple[Operation, ...]
    storages: tuple[Storage, ...]
    scopes: tuple[Scope, ...]
    calls: tuple[Call, ...]
    memory: Memory
    origin: Origin
    inputs: tuple[tuple[str, TensorRef], ...]
    outputs: tuple[tuple[str, TensorRef], ...]
    notes: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    nodes: tuple[AutogradNode, ...] = ()
    vocabulary: Callable[[], frozenset[str]] | None = field(default=None, repr=False)
    timing: Timing | None = field(default=None, repr=False)
    compilation: Compilation | None = field(default=None, repr=False)
    fx_builder: Callable[[Record, Any], Any] | None = field(default=None, repr=False)

    def noting(self, *notes: str) -> Self:
        """The same with *notes* after its own."""
        return replace(self, notes=(*self.notes, *notes))
