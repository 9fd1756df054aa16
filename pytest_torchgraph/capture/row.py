"""Module calls in a row that do the same, found in the log of a forward pass.

Two neighbouring calls are alike where one is the other with other numbers: each operation has the same overload and the
same arguments, stands in the same module within, and reads and makes tensors of the same kind; each storage of the one
answers to one of the other, which was made inside too, is the same parameter of the other module, is the very same
storage from before the row, or was handed out by the call before as the other one's was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from pytest_torchgraph.capture.effect import operands_of, readings_in
from pytest_torchgraph.capture.graph import Run
from pytest_torchgraph.capture.likeness import Likeness, same_first_reading
from pytest_torchgraph.capture.tensor import FirstSight
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.recorded.tensor import NAMED_KINDS

FEWEST = 3
"""Calls in a row, of which the first two are worked out in any case."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One module call: the operations from ``start`` to ``end``, and the scopes from ``scope`` to ``last``."""

    scope: int
    last: int
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many operations it has."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Found:
    """Three or more calls in a row; ``stands_for`` gives for each storage made in a later one that of the second."""

    segments: tuple[Segment, ...]
    stands_for: dict[int, int]
    outside: frozenset[int]

    @property
    def second(self) -> Segment:
        """The call that stands for all that follow."""
        return self.segments[1]

    @property
    def dropped(self) -> range:
        """The operations of the calls that it stands for."""
        return range(self.second.end, self.segments[-1].end)

    @property
    def unread(self) -> range:
        """The operations whose values only the next call of the row may read."""
        return range(self.second.start, self.segments[-1].start)


def rows_in(run: Run) -> list[Found]:
    """The rows of *run*; none where it is more than a forward pass in eager mode."""
    is_plain = not (run.followed.stretches or run.compiled or run.hollow or (run.weights and run.weights.known))
    sights = run.identity.sights
    if not is_plain or any(sight.role or sight.resized for sight in sights):
        return []
    if any(entry[9] is not None or entry[0].communicates for entry in run.log):
        return []
    rows = list(Finding(run).rows())
    return rows if rows and all_read_alone(run, rows) else []


def all_read_alone(run: Run, rows: list[Found]) -> bool:
    """Whether the values of calls that the second one of a row stands for are read by the next call alone."""
    sights = run.identity.sights
    hidden = {at for row in rows for at in row.unread}
    unread = {storage for storage, sight in enumerate(sights) if sight.born in hidden and is_made(sight)}
    inside = {at for row in rows for segment in row.segments for at in range(segment.start, segment.end)}
    others = [entry for at, entry in enumerate(run.log) if at not in inside]
    read = {raw[1] for entry in others for raw in (*operands_of(entry), *readings_in(entry.results))}
    read |= {raw[1] for _, raw in (*run.inputs, *run.outputs)}
    read |= {storage for row in rows for storage in row.outside}
    within = {scope for row in rows for segment in row.segments for scope in range(segment.scope, segment.last)}
    calls = [call for call in run.calls if call.scope not in within]
    read |= {raw[1] for call in calls for raw in readings_in([*call.arguments, *call.keywords.values()])}
    return unread.isdisjoint(read)


def is_made(sight: FirstSight) -> bool:
    """Whether a storage was first seen in the run, and has no name."""
    return not sight.before_run and sight.kind not in NAMED_KINDS


class Finding:
    """Looks for rows in one run, outermost calls first."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.scopes = run.scopes
        self.sights = run.identity.sights
        self.calls: dict[int, list[int]] = {}
        for place, call in enumerate(run.calls):
            self.calls.setdefault(call.scope, []).append(place)
        self.named = Counter((scope.parent, scope.path) for scope in run.scopes)

    def rows(self) -> Iterator[Found]:
        """Every row that is in no other."""
        children: dict[int, list[int]] = {}
        for place, scope in enumerate(self.scopes):
            if scope.parent is not None:
                children.setdefault(scope.parent, []).append(place)
        taken: set[int] = set()
        for parent in sorted(children):
            if parent in taken:
                continue
            for row in self._among([self._segment(child) for child in children[parent]]):
                yield row
                taken.update(scope for each in row.segments for scope in range(each.scope, each.last))

    def _segment(self, scope: int) -> Segment:
        last = scope + 1
        while last < len(self.scopes) and (self.scopes[last].parent or 0) >= scope:
            last += 1
        return Segment(scope, last, self.scopes[scope].start, self.scopes[scope].end)

    def _among(self, segments: list[Segment]) -> Iterator[Found]:
        at = 0
        while at + FEWEST <= len(segments):
            row = self._row(segments[at:])
            if row is not None:
                yield row
            at += 1 if row is None else len(row.segments)

    def _row(self, segments: list[Segment]) -> Found | None:
        """The row that begins with the first of *segments*."""
        answers: list[dict[int, int]] = []
        start = segments[0].start
        for one, other in pairwise(segments):
            if not self._has_shape_of(one, other):
                break
            pair = Pair(self.run, one, other)
            if not (pair.is_alike(self._calls_in(one), self._calls_in(other)) and pair.answers(start, answers)):
                break
            answers.append(pair.told)
        if len(answers) < FEWEST - 1:
            return None
        row = tuple(segments[: len(answers) + 1])
        return Found(row, self._standing(row, answers), self._outside(row, answers))

    def _has_shape_of(self, one: Segment, other: Segment) -> bool:
        """Whether both calls, and those inside them, are of like modules in like places, one right after the other."""
        if one.end != other.start or one.length != other.length or not one.length:
            return False
        if (one.last, other.last - other.scope) != (other.scope, one.last - one.scope):
            return False
        scopes = self.scopes[one.scope], self.scopes[other.scope]
        if len({INDEX.sub("*", scope.path) for scope in scopes}) > 1:
            return False
        if any(self.named[scope.parent, scope.path] > 1 for scope in scopes):
            return False
        return all(self._is_like(one, other, place) for place in range(one.last - one.scope))

    def _is_like(self, one: Segment, other: Segment, place: int) -> bool:
        scope, like = self.scopes[one.scope + place], self.scopes[other.scope + place]
        if scope.class_name != like.class_name or scope.start - one.start != like.start - other.start:
            return False
        if place and (scope.parent or 0) - one.scope != (like.parent or 0) - other.scope:
            return False
        roots = self.scopes[one.scope].path, self.scopes[other.scope].path
        return within(scope.path, roots[0]) == within(like.path, roots[1])

    def _calls_in(self, segment: Segment) -> list[int]:
        return [place for scope in range(segment.scope, segment.last) for place in self.calls.get(scope, ())]

    def _standing(self, row: tuple[Segment, ...], answers: list[dict[int, int]]) -> dict[int, int]:
        """For each storage made in the third call or later, that of the second."""
        found: dict[int, int] = {}
        for segment, told in zip(row[2:], answers[1:], strict=True):
            for one, other in told.items():
                if is_made(self.sights[other]) and segment.start <= self.sights[other].born < segment.end:
                    found[other] = found.get(one, one)
        return found

    def _outside(self, row: tuple[Segment, ...], answers: list[dict[int, int]]) -> frozenset[int]:
        """The storages that the row reads and did not make."""
        met = {storage for told in answers for pair in told.items() for storage in pair}
        return frozenset(one for one in met if self.sights[one].before_run or self.sights[one].born < row[0].start)


class Pair(Likeness):
    """Two neighbouring calls of modules."""

    def __init__(self, run: Run, one: Segment, other: Segment) -> None:
        super().__init__()
        self.run = run
        self.sights = run.identity.sights
        self.one = one
        self.other = other
        self.roots = run.scopes[one.scope].path, run.scopes[other.scope].path

    def is_alike(self, calls: list[int], others: list[int]) -> bool:
        """Whether each operation, and each of the API *calls*, is like that of the other."""
        if len(calls) != len(others):
            return False
        numbers: dict[int | None, int | None] = {None: None, **dict(zip(calls, others, strict=True))}
        log, size = self.run.log, self.one.last - self.one.scope
        moved, ahead = self.other.scope - self.one.scope, self.one.length
        for at in range(self.one.start, self.one.end):
            entry, like = log[at], log[at + ahead]
            if entry[0] is not like[0] or entry[4] + moved != like[4] or not 0 <= entry[4] - self.one.scope < size:
                return False
            if entry[5] not in numbers or numbers[entry[5]] != like[5]:
                return False
            if not (self.all_same(entry[1], like[1]) and self.same(entry[3], like[3])):
                return False
            if entry[2] is not like[2] and not self.same(entry[2], like[2]):
                return False
        return all(self._same_call(one, other, moved) for one, other in zip(calls, others, strict=True))

    def _same_call(self, one: int, other: int, moved: int) -> bool:
        call, like = self.run.calls[one], self.run.calls[other]
        return (
            (call.name, call.scope + moved) == (like.name, like.scope)
            and self.same(call.arguments, like.arguments)
            and self.same(call.keywords, like.keywords)
        )

    def answers(self, start: int, before: list[dict[int, int]]) -> bool:
        """Whether each storage is to the second call what the one it answers to is to the first.

        The row began with operation *start*; *before* tells what answered to what in the pairs before.
        """
        return all(self._answers_to(one, other, start, before) for one, other in self.told.items())

    def _answers_to(self, one: int, other: int, start: int, before: list[dict[int, int]]) -> bool:
        sight, like = self.sights[one], self.sights[other]
        if sight.kind != like.kind or not same_first_reading(sight, like):
            return False
        if not is_made(sight):
            own, others = (within(each.name or "", root) for each, root in zip((sight, like), self.roots, strict=True))
            return own == others and like.kind in NAMED_KINDS if own[0] else one == other
        if sight.born < start:
            return one == other or (not before and self._is_in(self.one, like))
        if self._is_in(self.one, sight):
            return self._is_in(self.other, like) and sight.bytes == like.bytes
        return bool(before) and before[-1].get(one) == other and self._is_in(self.one, like)

    @staticmethod
    def _is_in(segment: Segment, sight: FirstSight) -> bool:
        return not sight.before_run and segment.start <= sight.born < segment.end


def within(path: str, root: str) -> tuple[bool, str]:
    """*path* as seen from the module at *root*: whether it is inside, and its path there, or the whole one."""
    if path == root:
        return True, ""
    return (True, path[len(root) + 1 :]) if path.startswith(f"{root}.") else (False, path)
