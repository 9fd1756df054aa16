"""The front door: one run, with all that can be asked of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

from pytest_torchgraph.analysis.collective import Collective, collectives_in, message_bytes
from pytest_torchgraph.analysis.cost import Costs, costs_of, intensity, total_bytes
from pytest_torchgraph.analysis.keeping import MemoryLines, left_behind, memory_by_line
from pytest_torchgraph.analysis.network import network_of
from pytest_torchgraph.analysis.selection import Selection, chooser, count_of, require_phase
from pytest_torchgraph.analysis.tally import OperationCounts, Total, UnknownName, require_known, total_flops
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.kinds import GROUPS
from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.recorded.operation import Operation
from pytest_torchgraph.recorded.origin import Recorder
from pytest_torchgraph.recorded.record import Record
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.nearest import nearest

if TYPE_CHECKING:
    from pytest_torchgraph.canonical.program import Program


@dataclass(frozen=True, eq=False, repr=False)
class Graph(Record):
    """What happened in one run, and what follows from it: a record that answers questions.

    Two graphs are equal when their canonical graphs are: see :func:`pytest_torchgraph.canonical.building.canonical`.
    """

    @cached_property
    def canonical(self) -> Program:
        """The canonical graph, computed once."""
        from pytest_torchgraph.canonical.building import canonical  # most checks of a session never need it

        with collector_paused():
            return canonical(self)

    def is_canonically(self, program: Program) -> bool:
        """Whether *program* is the canonical graph."""
        return self.canonical == program

    @property
    def is_empty(self) -> bool:
        """Whether nothing ran: no operation, no module call, and nothing was returned."""
        return not (self.operations or self.outputs or len(self.scopes) > 1)

    if not TYPE_CHECKING:  # for a type checker a misspelled attribute stays an error

        def __getattr__(self, name: str) -> Any:
            __tracebackhide__ = True
            if hasattr(type(self), name):  # what it is made from is missing: its own error tells that
                return object.__getattribute__(self, name)
            raise AttributeError(f"a Graph has no attribute {name!r}{nearest(name, dir(type(self)))}")

    def __eq__(self, other: object) -> bool:
        return self.canonical == other.canonical if isinstance(other, Graph) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __repr__(self) -> str:
        name, calls = self.scopes[0].class_name, len(self.scopes) - 1
        return f"<Graph of {name}: {times(self.count('ops'), 'operation')}, {times(calls, 'module call')}>"

    @cached_property
    def op_counts(self) -> OperationCounts:
        """How often each operation ran, views included; also takes groups and API calls.

        ``"aten.clone"``, ``"copies"``, ``"scaled_dot_product_attention"``; unknown names raise and suggest.
        """
        names = Counter(operation.name for operation in self.operations)
        return OperationCounts(names, self.vocabulary, partial(count_of, self.operations, self.calls))

    def count(self, key: str) -> int:
        """Number of operations in the group *key* (``ops``, ``copies``…) or called *key* (``aten.clone``)."""
        __tracebackhide__ = True
        if "." not in key and count_of((), (), key) is None:
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

    @property
    def bytes_moved(self) -> Total:
        """Bytes that all operations read and write; ``unknown`` names those whose operands have no geometry."""
        return total_bytes(self.operations)

    @property
    def collectives(self) -> tuple[Collective, ...]:
        """What ranks do together, in order: kind, reduction, ranks, bytes, module and phase of each."""
        return tuple(collectives_in(self.operations, tuple(scope.path for scope in self.scopes)))

    @property
    def communicated(self) -> Total:
        """Bytes of the messages of all collectives; ``unknown`` names those of unknown size."""
        return total_bytes(self.operations, message_bytes)

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved, ``None`` where either is unknown."""
        return intensity(self.flops, self.bytes_moved)

    def costs(self, by: Literal["module", "phase", "operation"] = "module") -> Costs:
        """FLOPs, bytes moved and their ratio for each module, phase or kind of operation; prints as a table."""
        return costs_of(self, by)

    def memory_by_line(self, at: int | None = None) -> MemoryLines:
        """What is alive right after operation *at* (the peak if not given), by the source line that made it.

        Each row says what keeps it: a node of the autograd graph, a later read, a variable. Prints as a list.
        Raises :class:`~pytest_torchgraph.recorded.memory.LivesUnknown` for a graph that was read from a file.
        """
        return memory_by_line(self, at)

    def left_behind(self) -> MemoryLines:
        """What the run made, did not return and left alive: caches, lists, attributes; by the line that made it.

        Raises :class:`~pytest_torchgraph.recorded.memory.LivesUnknown` for a graph that was read from a file.
        """
        return left_behind(self)

    def to_fx(self, model: Any = None) -> Any:
        """The forward pass as a ``torch.fx.GraphModule`` of PyTorch's operators, which computes the same numbers.

        It takes the tensors of :attr:`inputs` in their order, and returns the output where that is one tensor, a
        dictionary by path otherwise. Parameters, buffers and attributes are shared with *model*, the one that was
        traced; nodes tell their module call and line. Raises ``ValueError`` for a graph that was read from a file, and
        where an operation reads or takes what no record holds (a tensor from a closure, a generator), with its line.
        """
        if self.fx_builder is None:
            raise ValueError("a graph read from a file has no views, and so is no fx graph: trace the model for that")
        return self.fx_builder(self, model)

    def to_networkx(self) -> Any:
        """The operations as a ``networkx.MultiDiGraph``: an edge from what made or wrote a tensor to what reads it.

        Nodes are positions in :attr:`operations`, with ``name``, ``module``, ``phase``, ``flops``, ``is_view`` and
        ``source``; edges have ``tensor`` (``f32[2,16]``). Needs networkx: the extra ``tracking`` brings it.
        """
        return network_of(self)

    def select(
        self,
        *,
        module: str | None = None,
        op: str | None = None,
        phase: str | None = None,
        recomputed: bool | None = None,
        allow_empty: bool = False,
    ) -> Selection:
        """The operations in module calls matching the glob *module*, named like the glob *op*, of *phase*.

        *recomputed* takes only what checkpointing runs again, or only what it does not. Of a compiled model, *phase*
        may also be a part of one graph: ``"graph 1 forward"``.

        ``module="layers.*"`` takes what runs inside ``layers.0``, nested modules included. *op* may also be a group
        (``"copies"``) or an API call (``"scaled_dot_product_attention"``: what runs beneath it). A selection that
        matches nothing raises :class:`UnknownName`, unless *allow_empty*; so does a word that is no phase.
        """
        __tracebackhide__ = True
        inside = None if module is None else self._scopes_under(module, allow_empty=allow_empty)
        if phase is not None:
            require_phase(phase, self.phases_recorded)
        chosen = tuple(
            operation
            for operation in self.operations
            if (inside is None or operation.scope in inside)
            and (phase is None or phase in (operation.phase, operation.graph_phase))
            and (recomputed is None or operation.recomputed == recomputed)
        )
        if op is not None:
            chosen = tuple(filter(self._named(op), chosen))
        if not chosen and not allow_empty:
            raise UnknownName(self._nothing_selected(module=module, op=op, phase=phase, recomputed=recomputed))
        within = {operation.call for operation in chosen}
        return Selection(chosen, tuple(call for call in self.calls if call.index in within), self.vocabulary)

    @cached_property
    def phases_recorded(self) -> set[str]:
        """Names of the phases that any operation ran in, those of compiled graphs (``graph 1 forward``) included."""
        named = {operation.phase for operation in self.operations}
        return named | {part for operation in self.operations if (part := operation.graph_phase) is not None}

    def _named(self, op: str) -> Callable[[Operation], bool]:
        __tracebackhide__ = True
        if not any(char in op for char in "*?[") and op not in self.op_counts and count_of((), (), op) is None:
            require_known(op, self.vocabulary, seen=self.op_counts)
        return chooser(op, self.calls)

    def _scopes_under(self, pattern: str, *, allow_empty: bool) -> frozenset[int]:
        __tracebackhide__ = True
        chosen: set[int] = set()
        for scope in self.scopes:
            if scope.parent in chosen or fnmatchcase(scope.path, pattern):
                chosen.add(scope.index)
        if not chosen and not allow_empty:
            paths = dict.fromkeys(INDEX.sub("*", scope.path) for scope in self.scopes if scope.path)
            raise UnknownName(f"no module call matches {pattern!r}; modules called: {', '.join(paths) or 'none'}")
        return frozenset(chosen)

    def _nothing_selected(self, **given: object) -> str:
        asked = ", ".join(f"{key}={value!r}" for key, value in given.items() if value is not None)
        phases = sorted(self.phases_recorded)
        return (
            f"select({asked}) matches no operation; phases recorded: {', '.join(phases) or 'none'}.\n"
            "Pass allow_empty=True where nothing is the right answer."
        )


def expanded(program: Program, recorder: Recorder | None = None) -> Graph:
    """The graph behind *program*, without what no snapshot holds: views, source lines, timeline, FLOPs.

    *recorder* is what recorded it, as far as that is known.
    """
    from pytest_torchgraph.canonical.expansion import expand

    record = expand(program, recorder)
    graph = Graph(**{each.name: getattr(record, each.name) for each in fields(record)})
    # The metrics of a file are exact although the timeline behind them is gone.
    graph.__dict__["canonical"] = program
    return graph
