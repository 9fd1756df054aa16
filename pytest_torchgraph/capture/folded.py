"""The canonical graph of a run whose equal layers, and parameters that a step treats alike, are worked out once.

It is compared with a stored one and nothing else: its operations stand for others, and no report is made of it.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from pytest_torchgraph.canonical.building import canonical, metrics_of
from pytest_torchgraph.canonical.parameter_loops import Alike
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.canonical.row import NotAlike, Row
from pytest_torchgraph.capture.attribution import Linking, phases_of
from pytest_torchgraph.capture.backward_row import rows_of_step
from pytest_torchgraph.capture.graph import (
    Records,
    Run,
    call_of,
    operation_of,
    origin_of,
    producers_of,
    saved_storages,
    scopes_of,
    storage_of,
    syncs_of,
)
from pytest_torchgraph.capture.memory import memory_of, peak_of
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.parameters_alike import FoundAlike, alike_in
from pytest_torchgraph.capture.row import Found, Segment, all_read_alone, calls_alike, rows_in
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Call, Operation
from pytest_torchgraph.recorded.record import Record
from pytest_torchgraph.recorded.tensor import Storage, TensorRef


def folded(run: Run, expected: Program | None = None) -> Program | None:
    """The canonical graph of *run*; ``None`` where nothing is more alike than a run that is worked out one by one.

    It equals that of :func:`~pytest_torchgraph.capture.graph.freeze`, but for the operations that ``source`` tells.
    With *expected* it is ``None``, too, where its numbers already say that it is another graph than that.
    """
    if expected is not None and peak_of(run.log, run.resident) != dict(expected.metrics).get("peak"):
        return None
    is_step = bool(run.followed.stretches)
    rows = calls_alike(run) if is_step else rows_in(run)
    if not (rows or is_step):
        return None
    try:
        return Folding(run, rows).program(expected)
    except (NotAlike, AssertionError, LookupError, StopIteration):  # a value that has no place in such a graph
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What of the second call of a row stands for what of the later ones, and of one parameter for others, by position.

    Positions are those of the log.
    """

    operations: dict[int, int]
    storages: dict[int, int]
    calls: dict[int, int]


class FoldedRecords(Records):
    """Records of a run in which some storages stand for others; no canonical graph has FLOPs or lines."""

    def __init__(self, run: Run, storages: dict[int, int]) -> None:
        super().__init__(run.weights)
        self._stands_for = storages

    def reference(self, raw: Raw) -> TensorRef:
        """The reference of one reading, to the storage that stands for the one it reads."""
        found = self._references.get(id(raw))
        if found is None:
            storage = self._stands_for.get(raw[1], raw[1])
            found = self._references[id(raw)] = TensorRef(raw[0], storage, self.spec(raw))
        return found

    def flops(self, entry: Entry, results: Any) -> None:
        """Nothing."""

    def source(self, frame: Any) -> None:
        """Nothing."""


class Folding:
    """Works out one run: of each row only the first two calls, of parameters that are alike only the first."""

    def __init__(self, run: Run, rows: list[Found]) -> None:
        self.run = run
        self.linking = Linking(run.log, run.scopes, run.followed)
        self.links = self.linking.link()
        self.phases = phases_of(run.log, self.links, run.scopes, run.followed)
        self.alike = alike_in(run, self.links, self.phases)
        self.rows = self._in_step(rows) if run.followed.stretches else rows
        self.standing = standing_in(run, self.rows, self.alike)
        self.records = FoldedRecords(run, self.standing.storages)

    def _in_step(self, rows: list[Found]) -> list[Found]:
        """The rows of a training step whose forward pass has *rows*."""
        found = rows_of_step(self.run, rows, self.linking, self.phases) if rows else []
        known = frozenset(chain.from_iterable(each.within for each in self.alike))
        return found if all_read_alone(self.run, found, known) else []

    def program(self, expected: Program | None) -> Program | None:
        """The canonical graph; ``None`` where nothing is alike, or it has other numbers than the one *expected*."""
        if not (self.rows or self.alike):
            return None
        record = self._record()
        if expected is not None and metrics_of(record) != expected.metrics:
            return None
        paths = [tuple(self.run.scopes[each.scope].path for each in row.later) for row in self.rows]
        scopes = [(row.segments[0].scope, row.second.scope) for row in self.rows]
        rows = [Row(*each, own, row.phase) for each, own, row in zip(scopes, paths, self.rows, strict=True)]
        alike = [Alike(each.within, each.like) for each in self.alike]
        return canonical(record, rows, alike, self.standing.operations)

    def _record(self) -> Record:
        run, records, links = self.run, self.records, self.links
        positions = {key: index for index, key in enumerate(run.followed.nodes)}
        saved = chain(*saved_storages(run, links, positions).values())
        memory = memory_of(run.log, links, run.identity, saved, run.kept, run.resident)
        storages = self._storages(frozenset(memory.alive_at_peak))
        told = {storages[each].producer for each in memory.alive_at_peak} | {memory.peak_operation}
        return Record(
            operations=self._operations(told),
            storages=storages,
            scopes=scopes_of(run, self.linking),
            calls=self._calls(),
            memory=memory,
            phases=self.phases,
            origin=origin_of(run),
            inputs=tuple((path, records.reference(raw)) for path, raw in run.inputs),
            outputs=tuple((path, records.reference(raw)) for path, raw in run.outputs),
        )

    def _operations(self, told: set[int | None]) -> tuple[Operation, ...]:
        """Every operation, or the one that stands for it; those at positions that are *told* stand for themselves."""
        syncs = syncs_of(self.run, self.links)
        operations: list[Operation] = []
        for index, (entry, link) in enumerate(zip(self.run.log, self.links, strict=True)):
            stands = self.standing.operations.get(index)
            if stands is not None and (index in syncs) != (stands in syncs):
                raise NotAlike
            if stands is None or index in told:
                operations.append(operation_of(index, entry, link, {}, self.records, syncs, entry.frame))
            else:
                operations.append(operations[stands])
        return tuple(operations)

    def _storages(self, told: frozenset[int]) -> tuple[Storage, ...]:
        """Every storage, or the one that stands for it; those that are *told* of by place stand for themselves."""
        producers = producers_of(self.run)
        storages: list[Storage] = []
        for index, sight in enumerate(self.run.identity.sights):
            stands = None if index in told else self.standing.storages.get(index)
            made = storage_of(index, sight, producers.get(index), self.records) if stands is None else storages[stands]
            storages.append(made)
        return tuple(storages)

    def _calls(self) -> tuple[Call, ...]:
        calls: list[Call] = []
        for index, call in enumerate(self.run.calls):
            stands = self.standing.calls.get(index)
            calls.append(call_of(index, call, self.records) if stands is None else calls[stands])
        return tuple(calls)


def standing_in(run: Run, rows: list[Found], alike: list[FoundAlike]) -> Standing:
    """What stands for what in *rows*, and where parameters are *alike*."""
    operations: dict[int, int] = {}
    storages: dict[int, int] = {}
    calls: dict[int, int] = {}
    for row in rows:
        second = row.second
        storages |= row.stands_for
        in_second = calls_in(run, second)
        for segment in row.later:
            operations.update(zip(segment.operations, second.operations, strict=True))
            if row.phase is None:
                calls.update(zip(calls_in(run, segment), in_second, strict=True))
    for each in alike:
        operations |= each.operations
        storages |= each.storages
    return Standing(operations, storages, calls)


def calls_in(run: Run, segment: Segment) -> list[int]:
    """The API calls in the scopes of *segment*."""
    return [index for index, call in enumerate(run.calls) if segment.scope <= call.scope < segment.last]
