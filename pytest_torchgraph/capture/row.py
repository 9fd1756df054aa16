"""Module calls in a row that do the same, found in the log of a run's forward pass.

Two neighbouring calls are alike where one is the other with other numbers: each operation has the same overload and the
same arguments, stands in the same module within, and reads and makes tensors of the same kind; each storage of the one
answers to one of the other, which was made inside too, is the same parameter of the other module, is the very same
storage from before the row, or was handed out by the call before as the other one's was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, pairwise

from pytest_torchgraph.capture.effect import EMPTY, operands_of, readings_in
from pytest_torchgraph.capture.graph import Run
from pytest_torchgraph.capture.likeness import Likeness, same_first_reading
from pytest_torchgraph.capture.tensor import FirstSight, Raw
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.recorded.tensor import NAMED_KINDS

FEWEST = 3
"""Calls in a row, of which the first two are worked out in any case."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The ``operations`` of a module call, or of what a backward pass does for it, which has scopes up to ``last``."""

    scope: int
    last: int
    operations: Sequence[int]

    @property
    def start(self) -> int:
        """The first of its operations; it has some."""
        return self.operations[0]

    @property
    def length(self) -> int:
        """How many operations it has."""
        return len(self.operations)


@dataclass(frozen=True, slots=True)
class Found:
    """Three or more calls in a row, in the forward pass or in the ``phase`` of that number.

    ``answers`` tell, for each call and the next, which storage of that answers to which of the one before;
    ``stands_for`` gives for each storage made in the third call or later that of the second.
    """

    segments: tuple[Segment, ...]
    answers: tuple[dict[int, int], ...]
    stands_for: dict[int, int]
    phase: int | None = None

    @property
    def second(self) -> Segment:
        """The call that stands for all that follow."""
        return self.segments[1]

    @property
    def later(self) -> tuple[Segment, ...]:
        """The calls that it stands for."""
        return self.segments[2:]

    @property
    def unread(self) -> Iterator[int]:
        """The operations whose values only the next call of the row may read."""
        return chain.from_iterable(segment.operations for segment in self.segments[1:-1])

    @property
    def inside(self) -> Iterator[int]:
        """All operations of its calls."""
        return chain.from_iterable(segment.operations for segment in self.segments)


def found(
    segments: Sequence[Segment], answers: Sequence[dict[int, int]], sights: list[FirstSight], phase: int | None = None
) -> Found:
    """The row of some calls that are alike, each of which *answers* to the one before."""
    stands: dict[int, int] = {}
    for segment, told in zip(segments[2:], answers[1:], strict=True):
        inside = frozenset(segment.operations)
        for one, other in told.items():
            if is_made(sights[other]) and sights[other].born in inside:
                stands[other] = stands.get(one, one)
    return Found(tuple(segments), tuple(answers), stands, phase)


def rows_in(run: Run) -> list[Found]:
    """The rows of *run*, which is a forward pass alone."""
    rows = calls_alike(run)
    return rows if rows and all_read_alone(run, rows) else []


def calls_alike(run: Run) -> list[Found]:
    """The calls in a row that do the same in the forward pass of *run*; none where it did not run in eager mode."""
    if run.compiled or run.hollow or (run.weights and run.weights.known):
        return []
    if any(sight.resized for sight in run.identity.sights) or any(entry[0].communicates for entry in run.log):
        return []
    return list(Finding(run).rows())


def all_read_alone(run: Run, rows: Collection[Found], known: Collection[int] = ()) -> bool:
    """Whether the values of calls that the second one of a row stands for are read by the next call alone.

    And by what a backward pass does for these calls, where that is in a row, too. Of the operations at positions that
    are *known* it is known.
    """
    sights = run.identity.sights
    hidden = {at for row in rows for at in row.unread}
    unread = {storage for storage, sight in enumerate(sights) if sight.born in hidden and is_made(sight)}
    inside = {at for row in rows for at in row.inside}
    others = (entry for at, entry in enumerate(run.log) if not (at in inside or at in known))
    if any(raw[1] in unread for entry in others for raw in (*operands_of(entry), *readings_in(entry.results))):
        return False
    read = {raw[1] for _, raw in (*run.inputs, *run.outputs)}
    read |= {storage for row in rows for storage in outside(row, sights)}
    within = {scope for row in rows for segment in row.segments for scope in range(segment.scope, segment.last)}
    calls = [call for call in run.calls if call.scope not in within]
    read |= {raw[1] for call in calls for raw in readings_in([*call.arguments, *call.keywords.values()])}
    return unread.isdisjoint(read)


def outside(row: Found, sights: list[FirstSight]) -> Iterator[int]:
    """The storages that every call of *row* reads and none made, and what the first one was given in their place."""
    inside = frozenset(row.inside)
    for told in row.answers:
        for one, other in told.items():
            if one == other or (told is row.answers[0] and sights[one].born not in inside):
                yield one


def is_named(sight: FirstSight) -> bool:
    """Whether a storage is known by its name."""
    return sight.kind in NAMED_KINDS or sight.role is not None


def is_made(sight: FirstSight) -> bool:
    """Whether a storage was first seen in the run, and has no name."""
    return not (sight.before_run or is_named(sight))


def is_worked_out(sight: FirstSight, run: Run) -> bool:
    """Whether an operation of *run* that does work made a storage: what none made may stand in any body."""
    if sight.kind != "result" or sight.before_run or sight.raw is None:
        return False
    entry = run.log[sight.born]
    if entry[0].moves_metadata or entry[0].name == EMPTY:
        return False
    results = entry[3]
    made = (results,) if type(results) is Raw else readings_in(results)
    return any(raw[1] == sight.raw[1] for raw in made)


def rows_among(
    segments: list[Segment], paired: Paired, sights: list[FirstSight], phase: int | None = None
) -> Iterator[Found]:
    """The rows among some calls side by side; *paired* gives two of them where their operations are alike."""
    at = 0
    while at + FEWEST <= len(segments):
        row = first_row(segments[at:], paired, sights, phase)
        if row is not None:
            yield row
        at += 1 if row is None else len(row.segments)


def first_row(segments: list[Segment], paired: Paired, sights: list[FirstSight], phase: int | None) -> Found | None:
    """The row that begins with the first of *segments*."""
    answers: list[dict[int, int]] = []
    for one, other in pairwise(segments):
        pair = paired(one, other)
        if pair is None or not pair.answers(segments[0].start, answers):
            break
        answers.append(pair.told)
    if len(answers) < FEWEST - 1:
        return None
    return found(segments[: len(answers) + 1], answers, sights, phase)


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
            for row in rows_among([self._segment(child) for child in children[parent]], self._pair, self.sights):
                yield row
                taken.update(scope for each in row.segments for scope in range(each.scope, each.last))

    def _segment(self, scope: int) -> Segment:
        last = scope + 1
        while last < len(self.scopes) and (self.scopes[last].parent or 0) >= scope:
            last += 1
        return Segment(scope, last, range(self.scopes[scope].start, self.scopes[scope].end))

    def _pair(self, one: Segment, other: Segment) -> Pair | None:
        """Two calls side by side, where the operations of both are alike."""
        if not self._has_shape_of(one, other):
            return None
        pair = Pair(self.run, one, other)
        return pair if pair.is_alike(self._calls_in(one), self._calls_in(other)) else None

    def _has_shape_of(self, one: Segment, other: Segment) -> bool:
        """Whether both calls, and those inside them, are of like modules in like places, one right after the other."""
        if one.length != other.length or not one.length or one.operations[-1] + 1 != other.operations[0]:
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


class Pair(Likeness):
    """Two neighbouring calls of modules."""

    def __init__(self, run: Run, one: Segment, other: Segment) -> None:
        super().__init__()
        self.run = run
        self.sights = run.identity.sights
        self.one = one
        self.other = other
        self.inside = frozenset(one.operations), frozenset(other.operations)
        self.roots = run.scopes[one.scope].path, run.scopes[other.scope].path

    def is_alike(self, calls: list[int], others: list[int]) -> bool:
        """Whether each operation, and each of the API *calls*, is like that of the other."""
        if len(calls) != len(others):
            return False
        numbers: dict[int | None, int | None] = {None: None, **dict(zip(calls, others, strict=True))}
        log, size = self.run.log, self.one.last - self.one.scope
        moved = self.other.scope - self.one.scope
        for at, later in zip(self.one.operations, self.other.operations, strict=True):
            entry, like = log[at], log[later]
            if entry[4] + moved != like[4] or not 0 <= entry[4] - self.one.scope < size:
                return False
            if entry[5] not in numbers or numbers[entry[5]] != like[5] or entry[9] is not None or like[9] is not None:
                return False
            if not self.does_same(entry, like):
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
        return all(self.answers_to(one, other, start, before) for one, other in self.told.items())

    def answers_to(self, one: int, other: int, start: int, before: list[dict[int, int]]) -> bool:
        """Whether storage *other* is so, which answers to *one*."""
        sight, like = self.sights[one], self.sights[other]
        if (sight.kind, sight.role) != (like.kind, like.role) or not same_first_reading(sight, like):
            return False
        in_one, in_other = (each.born in own for each, own in zip((sight, like), self.inside, strict=True))
        if not is_made(sight):
            own, others = (within(each.name or "", root) for each, root in zip((sight, like), self.roots, strict=True))
            has_place = own == others and is_named(like) if own[0] else one == other
            return has_place and (sight.role is None or in_one == in_other)
        if sight.born < start:
            return one == other or (not before and self._is_handed_on(like))
        if in_one:
            return in_other and sight.bytes == like.bytes
        return bool(before) and before[-1].get(one) == other and self._is_handed_on(like)

    def _is_handed_on(self, sight: FirstSight) -> bool:
        """Whether the first call made a storage that the second one reads."""
        return sight.born in self.inside[0] and is_worked_out(sight, self.run)


Paired = Callable[[Segment, Segment], Pair | None]


def within(path: str, root: str) -> tuple[bool, str]:
    """*path* as seen from the module at *root*: whether it is inside, and its path there, or the whole one."""
    if path == root:
        return True, ""
    return (True, path[len(root) + 1 :]) if path.startswith(f"{root}.") else (False, path)
