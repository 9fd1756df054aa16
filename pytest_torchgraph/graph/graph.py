"""The record of one run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from pytest_torchgraph.graph.autograd import AutogradNode
from pytest_torchgraph.graph.canonical import canonical
from pytest_torchgraph.graph.collector import collector_paused
from pytest_torchgraph.graph.memory import Memory
from pytest_torchgraph.graph.module import Scope
from pytest_torchgraph.graph.operation import Call, Operation
from pytest_torchgraph.graph.origin import Origin
from pytest_torchgraph.graph.phase import Phase
from pytest_torchgraph.graph.program import Program
from pytest_torchgraph.graph.tally import (
    ATTENTION_CALLS,
    GROUPS,
    OperationCounts,
    Total,
    UnknownName,
    matches,
    require_known,
    total_flops,
)
from pytest_torchgraph.graph.tensor import Storage, TensorRef


@dataclass(frozen=True, slots=True)
class Selection:
    """Some operations of a graph, in order."""

    operations: tuple[Operation, ...]

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    @property
    def flops(self) -> int:
        """FLOPs of the selected operations; raises ``ValueError`` naming the operations without a formula."""
        total = total_flops(self.operations)
        if total.unknown:
            raise ValueError(f"FLOPs are known only in part ({total}): no formula for {', '.join(total.unknown)}")
        return total.at_least

    @property
    def op_counts(self) -> dict[str, int]:
        """Count by name without overload."""
        return dict(sorted(Counter(operation.packet for operation in self.operations).items()))


@dataclass(frozen=True, eq=False)
class Graph:
    """What happened in one run: operations in order, the values they read and made, module calls, bytes.

    Two graphs are equal when their canonical graphs are: see :func:`pytest_torchgraph.graph.canonical.canonical`.
    ``inputs`` and ``outputs`` are the tensors that were passed and returned, by path. ``notes`` are sentences for the
    reader ("recorded from the second call"). ``phases`` are the stretches of a training step that are not forward,
    ``nodes`` the autograd graph that its backward passes went through. ``vocabulary`` gives the operation names of the
    PyTorch that ran; ``None`` for a graph read from a file.
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

    @cached_property
    def canonical(self) -> Program:
        """The canonical graph, computed once."""
        with collector_paused():
            return canonical(self)

    def __eq__(self, other: object) -> bool:
        return self.canonical == other.canonical if isinstance(other, Graph) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __repr__(self) -> str:
        name, calls = self.scopes[0].class_name, len(self.scopes) - 1
        return f"<Graph of {name}: {self.count('ops')} operations, {calls} module calls>"

    @cached_property
    def op_counts(self) -> OperationCounts:
        """How often each operation ran, views included; unknown names raise and suggest."""
        return OperationCounts(Counter(operation.name for operation in self.operations), self.vocabulary)

    def count(self, key: str) -> int:
        """Number of operations in the group *key* (``ops``, ``copies``…) or called *key* (``aten.clone``)."""
        __tracebackhide__ = True
        if key == "attention":
            calls = sum(call.name in ATTENTION_CALLS for call in self.calls)
            return calls + sum(map(GROUPS[key], self.operations))
        if key in GROUPS:
            return sum(map(GROUPS[key], self.operations))
        if "." not in key:
            raise UnknownName(f"{key!r} is no group ({', '.join(GROUPS)}) and no operation name such as 'aten.{key}'.")
        return self.op_counts[key]

    @property
    def copies(self) -> int:
        """Operations that write the same values to other memory."""
        return self.count("copies")

    @property
    def casts(self) -> int:
        """Operations that change the dtype."""
        return self.count("casts")

    @property
    def syncs(self) -> tuple[Operation, ...]:
        """Operations that make the host wait for the device, each with its source line."""
        return tuple(operation for operation in self.operations if operation.is_sync)

    @property
    def matmuls(self) -> int:
        """Matrix products."""
        return self.count("matmuls")

    @property
    def attention(self) -> int:
        """Attention calls: ``scaled_dot_product_attention`` and the fused operations that bypass it."""
        return self.count("attention")

    @property
    def views(self) -> int:
        """Operations that launch no kernel."""
        return self.count("views")

    @property
    def flops(self) -> Total:
        """FLOPs of the whole run; ``unknown`` names the matmul-like operations without a formula."""
        return total_flops(self.operations)

    def select(
        self,
        *,
        module: str | None = None,
        op: str | None = None,
        phase: str | None = None,
        allow_empty: bool = False,
    ) -> Selection:
        """The operations in module calls matching the glob *module*, named like the glob *op*, of *phase*.

        ``module="layers.*"`` takes what runs inside ``layers.0``, nested modules included. A selection that matches
        nothing raises :class:`UnknownName`, unless *allow_empty*.
        """
        __tracebackhide__ = True
        inside = None if module is None else self._scopes_under(module, allow_empty=allow_empty)
        if op is not None and not any(char in op for char in "*?[") and op not in self.op_counts:
            require_known(op, self.vocabulary, seen=self.op_counts)
        chosen = tuple(
            operation
            for operation in self.operations
            if (inside is None or operation.scope in inside)
            and (op is None or matches(operation, op))
            and (phase is None or operation.phase == phase)
        )
        if not chosen and not allow_empty:
            raise UnknownName(self._nothing_selected(module, op, phase))
        return Selection(chosen)

    def _scopes_under(self, pattern: str, *, allow_empty: bool) -> frozenset[int]:
        __tracebackhide__ = True
        chosen: set[int] = set()
        for scope in self.scopes:
            if scope.parent in chosen or fnmatchcase(scope.path, pattern):
                chosen.add(scope.index)
        if not chosen and not allow_empty:
            paths = dict.fromkeys(re.sub(r"\b\d+\b", "*", scope.path) for scope in self.scopes if scope.path)
            raise UnknownName(f"no module call matches {pattern!r}; modules called: {', '.join(paths) or 'none'}")
        return frozenset(chosen)

    def _nothing_selected(self, module: str | None, op: str | None, phase: str | None) -> str:
        given = (("module", module), ("op", op), ("phase", phase))
        asked = ", ".join(f"{key}={value!r}" for key, value in given if value)
        phases = sorted({operation.phase for operation in self.operations})
        return (
            f"select({asked}) matches no operation; phases recorded: {', '.join(phases) or 'none'}.\n"
            "Pass allow_empty=True where nothing is the right answer."
        )
