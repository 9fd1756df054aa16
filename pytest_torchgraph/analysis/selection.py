"""Some operations of a graph, by name, group, module and phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import partial

from pytest_torchgraph.analysis.collective import message_bytes
from pytest_torchgraph.analysis.cost import total_bytes
from pytest_torchgraph.analysis.tally import (
    OperationCounts,
    UnknownName,
    call_name,
    matches,
    total_flops,
    why_unknown,
)
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS, group_named, is_in
from pytest_torchgraph.recorded.operation import Call, Operation
from pytest_torchgraph.recorded.phase import PHASES
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.nearest import nearest

NAMED = 3
"""Operation names in the short text of a selection."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some operations of a graph, in order; ``calls`` are the API calls that any of them belongs to."""

    operations: tuple[Operation, ...]
    calls: tuple[Call, ...] = ()
    vocabulary: Callable[[], frozenset[str]] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __repr__(self) -> str:
        counts = Counter(operation.packet for operation in self.operations).most_common()
        told = [f"{count} {name}" for name, count in counts[:NAMED]]
        rest = [f"{times(len(counts) - NAMED, 'other name')}"] if len(counts) > NAMED else []
        return f"<Selection of {times(len(self), 'operation')}{': ' if told else ''}{', '.join([*told, *rest])}>"

    @property
    def flops(self) -> int:
        """FLOPs of the selected operations; raises ``ValueError`` naming the operations without a formula."""
        total = total_flops(self.operations)
        if total.unknown:
            raise ValueError(f"FLOPs are known only in part ({total}): {why_unknown(self)}")
        return total.at_least

    @property
    def bytes_moved(self) -> int:
        """Bytes that the selected operations read and write; raises ``ValueError`` where that is known only in part."""
        total = total_bytes(self.operations)
        if total.unknown:
            raise ValueError(f"bytes are known only in part ({total}): no geometry in {', '.join(total.unknown)}")
        return total.at_least

    @property
    def communicated(self) -> int:
        """Bytes of the messages of the selected collectives; raises ``ValueError`` where one's size is not known."""
        total = total_bytes(self.operations, message_bytes)
        if total.unknown:
            raise ValueError(f"message sizes are known only in part ({total}): {', '.join(total.unknown)}")
        return total.at_least

    @property
    def intensity(self) -> float:
        """FLOPs per byte moved, 0 where nothing is moved; raises ``ValueError`` where either is known only in part."""
        return self.flops / self.bytes_moved if self.bytes_moved else 0.0

    @property
    def op_counts(self) -> OperationCounts:
        """How often each operation was selected; takes the names that ``Graph.op_counts`` takes."""
        names = Counter(operation.name for operation in self.operations)
        return OperationCounts(names, self.vocabulary, partial(count_of, self.operations, self.calls))


def count_of(operations: tuple[Operation, ...], calls: tuple[Call, ...], key: str) -> int | None:
    """How many are in the group *key*, or are API calls named so; ``None`` where it is neither."""
    if group_named(key) is not None:
        named = sum(call.name in ATTENTION_CALLS for call in calls) if key == "attention" else 0
        return named + sum(is_in(key, operation) for operation in operations)
    name = call_name(key)
    return None if name is None else sum(call.name == name for call in calls)


def chooser(op: str, calls: tuple[Call, ...]) -> Callable[[Operation], bool]:
    """Whether an operation is meant by *op*: a group, an API call (then what runs beneath it), a glob of names.

    ``"attention"`` takes what runs beneath an attention call along with the fused operations that bypass one.
    """
    names = ATTENTION_CALLS if op == "attention" else {call_name(op)}
    beneath = frozenset(call.index for call in calls if call.name in names)
    is_meant = partial(is_in, op) if group_named(op) is not None else partial(matches, pattern=op)
    return lambda operation: operation.call in beneath or is_meant(operation)


def require_phase(phase: str, recorded: set[str]) -> None:
    """Raise :class:`UnknownName` for a word that is no phase."""
    __tracebackhide__ = True
    known = sorted({*PHASES, *recorded}, key=lambda name: (*PHASES, name).index(name))
    if phase not in known:
        raise UnknownName(f"there is no phase {phase!r}{nearest(str(phase), known)} Phases: {', '.join(known)}.")
