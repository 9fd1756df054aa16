"""What keeps memory alive, and which source lines it comes from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePath
from typing import TypeAlias

from pytest_torchgraph.analysis.cost import BINARY, scaled
from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.memory import Category, Life
from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.recorded.operation import SourceLine, operands_of
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.recorded.record import Record


@dataclass(frozen=True, slots=True)
class SavedFor:
    """The nodes of the autograd graph that read it in the backward pass, by class; none where no such pass ran."""

    nodes: tuple[str, ...]

    def text(self, _: Record) -> str:
        """In words."""
        return f"kept for {', '.join(self.nodes)}" if self.nodes else "kept for a backward pass"


@dataclass(frozen=True, slots=True)
class HeldAs:
    """Something that has a name: a parameter, an input, a gradient, an optimizer's state."""

    category: Category

    def text(self, _: Record) -> str:
        """In words."""
        return "held by name"


@dataclass(frozen=True, slots=True)
class Returned:
    """The caller gets it, under ``path`` in the output."""

    path: str

    def text(self, _: Record) -> str:
        """In words."""
        return f"returned as {self.path}" if self.path else "returned"


@dataclass(frozen=True, slots=True)
class ReadLater:
    """An operation of the run that has yet to read it, or reads it ``now``: the last one that does."""

    operation: int
    now: bool

    def text(self, record: Record) -> str:
        """In words."""
        operation = record.operations[self.operation]
        source = source_of(record, operation)
        place = f" ({PurePath(source.file).name}:{source.line})" if source else ""
        return f"{'being' if self.now else 'still to be'} read by {operation.packet}{place}"


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """No operation reads it again, and it outlives the run: an attribute, a cache, a closure or a cycle holds it."""

    def text(self, _: Record) -> str:
        """In words."""
        return "outlives the run"


@dataclass(frozen=True, slots=True)
class Engine:
    """Made in a backward pass, read by nothing in it again, and let go of later: the engine holds it for now."""

    def text(self, _: Record) -> str:
        """In words."""
        return "not read again, held by the backward pass"


@dataclass(frozen=True, slots=True)
class Variable:
    """No operation reads it again, and it dies later in the run: a variable in scope, a list, a kernel's own value."""

    def text(self, _: Record) -> str:
        """In words."""
        return "not read again"


Keeper: TypeAlias = SavedFor | HeldAs | Returned | ReadLater | LeftBehind | Engine | Variable


@dataclass(frozen=True, slots=True)
class LineMemory:
    """Bytes of ``count`` storages that one source line made and that are kept alike.

    ``source`` is ``None`` for what no operation of the run made. ``name`` is what they are: the operation that made
    them (``aten.relu``), or the kind of what was there before. ``module`` is the path of the module that made them,
    with ``*`` for positions in lists.
    """

    source: SourceLine | None
    module: str
    name: str
    keeper: str
    count: int
    bytes: int

    def __str__(self) -> str:
        place = f" {PurePath(self.source.file).name}:{self.source.line}" if self.source else ""
        module = f" in {self.module}" if self.module else ""
        many = f" ×{self.count}" if self.count > 1 else ""
        return f"{scaled(Total(self.bytes), BINARY, 1024)}{place} {self.name}{many}{module}: {self.keeper}"


class MemoryLines(tuple[LineMemory, ...]):
    """The most bytes first; prints as a list."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    @property
    def bytes(self) -> int:
        """All of them together."""
        return sum(line.bytes for line in self)


@dataclasses.dataclass
class Keeping:
    """Tells what keeps the storages of one run alive."""

    record: Record

    @cached_property
    def _nodes(self) -> dict[int, dict[str, None]]:
        found: dict[int, dict[str, None]] = {}
        for node in self.record.nodes:
            for storage in node.saved:
                found.setdefault(storage, {}).setdefault(node.name)
        return found

    @cached_property
    def _last_reads(self) -> dict[int, int]:
        return {
            reference.storage: operation.index
            for operation in self.record.operations
            for reference in operands_of(operation)
        }

    @cached_property
    def _returned(self) -> dict[int, str]:
        return {reference.storage: path for path, reference in self.record.outputs}

    def keeper(self, life: Life, at: int) -> Keeper:
        """What keeps *life* right after operation *at*."""
        if life.category == "saved":
            return SavedFor(tuple(self._nodes.get(life.storage, ())))
        if life.category != "temporaries":
            return HeldAs(life.category)
        if life.storage in self._returned:
            return Returned(self._returned[life.storage])
        last = self._last_reads.get(life.storage, -1)
        if last >= at:
            return ReadLater(last, now=last == at)
        if life.died is None:
            return LeftBehind()
        return Engine() if life.made_in == BACKWARD else Variable()

    def line(self, life: Life, at: int) -> tuple[SourceLine | None, str, str, str]:
        """Source line, module and name of what made *life*, and what keeps it."""
        storage, record = self.record.storages[life.storage], self.record
        keeper = self.keeper(life, at).text(record)
        if storage.producer is None or life.category in HELD:
            return None, "", life.category, keeper
        operation = record.operations[storage.producer]
        module = INDEX.sub("*", record.scopes[operation.scope].path)
        return source_of(record, operation), module, operation.packet, keeper


HELD = frozenset({"parameters", "buffers", "gradients", "optimizer state"})
"""Told by what they are, not by the line that made them."""


def memory_by_line(record: Record, at: int | None = None) -> MemoryLines:
    """What is alive right after operation *at*, by the line that made it and what keeps it; at the peak if not given.

    -1 is before the first operation. Raises :class:`~pytest_torchgraph.recorded.memory.LivesUnknown` for a graph that
    was read from a file.
    """
    moment = record.memory.peak_at if at is None else at
    return _lines(record, record.memory.alive(moment), moment)


def left_behind(record: Record) -> MemoryLines:
    """What the run made, did not return and left alive, by the line that made it; gradients and state are no part.

    Raises what :func:`lives_left` raises.
    """
    return _lines(record, lives_left(record), len(record.operations))


def lives_left(record: Record) -> list[Life]:
    """What the run made, did not return and left alive; gradients and an optimizer's state are no part of it.

    Raises :class:`~pytest_torchgraph.recorded.memory.LivesUnknown` for a graph that was read from a file.
    """
    returned = {reference.storage for _, reference in record.outputs}
    return [
        life
        for life in record.memory.known_lives()
        if life.died is None and life.category in ("temporaries", "saved") and life.storage not in returned
    ]


def _lines(record: Record, lives: Iterable[Life], at: int) -> MemoryLines:
    keeping = Keeping(record)
    counts: Counter[tuple[SourceLine | None, str, str, str]] = Counter()
    sizes: Counter[tuple[SourceLine | None, str, str, str]] = Counter()
    for life in lives:
        if life.bytes:
            key = keeping.line(life, at)
            counts[key] += 1
            sizes[key] += life.bytes
    rows = [LineMemory(*key, counts[key], size) for key, size in sizes.items()]
    return MemoryLines(sorted(rows, key=lambda row: (-row.bytes, str(row))))


def keepers_at_peak(record: Record) -> dict[int, str]:
    """What keeps the values at the peak, by the position of the operation that made them."""
    if record.memory.lives is None:
        return {}
    keeping, at = Keeping(record), record.memory.peak_at
    found: dict[int, str] = {}
    for life in record.memory.alive():
        producer = record.storages[life.storage].producer
        if producer is not None and life.category in ("saved", "temporaries"):
            found.setdefault(producer, keeping.keeper(life, at).text(record))
    return found
