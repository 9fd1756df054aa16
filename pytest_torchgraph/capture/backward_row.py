"""What a backward pass does for module calls in a row, found in the log of a training step.

It goes through the calls from the last to the first. What it does for two neighbouring ones is alike on the terms of
the calls themselves (:mod:`~pytest_torchgraph.capture.row`), where it reads values of the forward pass that answer to
each other there. A call is worked out in the forward pass, too, where it is in a backward pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from pytest_torchgraph.capture.attribution import Link, Linking
from pytest_torchgraph.capture.effect import effect_of
from pytest_torchgraph.capture.graph import Run
from pytest_torchgraph.capture.likeness import same_first_reading
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.row import Found, Pair, Segment, found, is_made, is_worked_out, rows_among
from pytest_torchgraph.capture.tensor import FirstSight
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD, Phase

Called = tuple[int, int]
"""Which row, and which of its calls."""


def rows_of_step(run: Run, rows: Sequence[Found], linking: Linking, phases: Sequence[Phase]) -> list[Found]:
    """The *rows* of the forward pass, as far as nothing of them is needed otherwise, and those of its backward passes.

    None where it cannot be told: checkpointing runs calls again, or other phases have to do with them.
    """
    links = linking.links
    if linking.originals or any(link.recomputed for link in links):
        return []
    step = Backward(run, rows, links)
    passes = [(number, phase) for number, phase in enumerate(phases) if phase.name == BACKWARD]
    if not step.is_alone({at for _, phase in passes for at in range(*phase.operations)}):
        return []
    turns = {number: step.turns(phase) for number, phase in passes}
    backward = [row for number, each in turns.items() for row in step.backward(each, number)]
    return [*step.forward(turns, backward), *backward]


@dataclass(frozen=True, slots=True)
class Turns:
    """What one backward pass does for each call, in the ``order`` in which it comes to them.

    There, ``None`` is work for anything else, and whatever a pass does for a call that it has left before.
    """

    operations: dict[Called, list[int]]
    order: list[Called | None]
    torn: set[Called]

    def in_a_row(self) -> Iterator[list[Called]]:
        """Calls of one row, each right before the one that the pass came to before it."""
        found: list[Called] = []
        for called in (*self.order, None):
            if called is not None and found and called == (found[-1][0], found[-1][1] - 1) and called not in self.torn:
                found.append(called)
                continue
            yield found
            found = [] if called is None or called in self.torn else [called]


class Backward:
    """Looks for rows in the backward passes of one run."""

    def __init__(self, run: Run, rows: Sequence[Found], links: list[Link]) -> None:
        self.run = run
        self.rows = rows
        self.links = links
        self.inside = frozenset(at for row in rows for at in row.inside)
        self.calls = {
            scope: (number, place)
            for number, row in enumerate(rows)
            for place, segment in enumerate(row.segments)
            for scope in range(segment.scope, segment.last)
        }

    def is_alone(self, passes: Collection[int]) -> bool:
        """Whether all that is done for the calls is done in the forward pass itself, or in backward *passes*."""
        inside = self.inside
        if any(self.links[at].phase != FORWARD for at in inside):
            return False
        return all(at in inside or at in passes or link.scope not in self.calls for at, link in enumerate(self.links))

    def turns(self, phase: Phase) -> Turns:
        """What the backward pass *phase* does for each call.

        Views may come when the pass has left a call: the engine hands a gradient over after it has made a sum for the
        next one. They stand in no body.
        """
        found = Turns({}, [], set())
        current: Called | None = None
        for at in range(*phase.operations):
            called = self._called(at, phase, current)
            if called is not None and called not in found.operations:
                found.operations[called] = []
                found.order.append(called)
                current = called
            elif called != current and not effect_of(self.run.log[at]).is_view:
                found.order.append(None)
                found.torn.update(() if called is None else (called,))
                current = None
            if called is not None:
                found.operations[called].append(at)
        return found

    def _called(self, at: int, phase: Phase, current: Called | None) -> Called | None:
        """The call that an operation stands in: a sum in the middle of the *current* one in that, whatever it is of."""
        called = self.calls.get(self.links[at].scope)
        if called == current or current is None or not self.links[at].sums_gradients:
            return called
        later = range(at + 1, phase.operations[1])
        work = (one for one in later if not (self.links[one].sums_gradients or effect_of(self.run.log[one]).is_view))
        following = next(work, None)
        is_inside = following is not None and self.calls.get(self.links[following].scope) == current
        return current if is_inside else called

    def backward(self, turns: Turns, phase: int) -> Iterator[Found]:
        """The rows of the backward pass that is the *phase* of that number."""
        for calls in turns.in_a_row():
            segments = [self._segment(called, turns) for called in calls]
            yield from rows_among(segments, self._pair, self.run.identity.sights, phase)

    def _segment(self, called: Called, turns: Turns) -> Segment:
        row, place = called
        forward = self.rows[row].segments[place]
        return Segment(forward.scope, forward.last, tuple(turns.operations[called]))

    def _pair(self, one: Segment, other: Segment) -> Pair | None:
        row, place = self.calls[other.scope]
        pair = BackwardPair(self.run, one, other, self.links, self.rows[row].answers[place], self.inside)
        return pair if pair.is_done_alike() else None

    def forward(self, turns: Mapping[int, Turns], backward: Iterable[Found]) -> Iterator[Found]:
        """The rows of forward calls of which, the first two apart, none is worked out in a backward pass."""
        stood_for = {(row.phase, self.calls[segment.scope]) for row in backward for segment in row.later}
        needed = {
            called for number, each in turns.items() for called in each.operations if (number, called) not in stood_for
        }
        for number, row in enumerate(self.rows):
            spare = [(number, place) not in needed for place in range(len(row.segments))]
            yield from parts(row, spare, self.run.identity.sights)


class BackwardPair(Pair):
    """What is done for two neighbouring calls in a backward pass, of which it comes to the earlier one later.

    ``forward`` tells which storage of the later call answers to which of the earlier one in the forward pass,
    ``called`` are the operations of all calls there.
    """

    def __init__(
        self,
        run: Run,
        one: Segment,
        other: Segment,
        links: list[Link],
        forward: dict[int, int],
        called: Collection[int],
    ) -> None:
        super().__init__(run, one, other)
        self.links = links
        self.forward = forward
        self.called = called

    def is_done_alike(self) -> bool:
        """Whether each operation is like that of the other, and done for the same module within."""
        one, other, log, links = self.one, self.other, self.run.log, self.links
        if one.length != other.length:
            return False
        moved = other.scope - one.scope
        for at, later in zip(one.operations, other.operations, strict=True):
            entry, like, link, as_link = log[at], log[later], links[at], links[later]
            if link[1] + moved != as_link[1] or link.sums_gradients != as_link.sums_gradients or entry[4] != like[4]:
                return False
            if not (is_of_engine(entry) and is_of_engine(like) and self.does_same(entry, like)):
                return False
        return True

    def answers_to(self, one: int, other: int, start: int, before: list[dict[int, int]]) -> bool:
        """Whether storage *other* is to the second call what *one* is to the first: in the forward pass, or in this."""
        sight, like = self.sights[one], self.sights[other]
        if one == other and is_made(sight) and sight.born in self.called:
            return False  # to one of both it is of its own call, to the other of another
        if one == other or self.forward.get(other) != one or not (is_made(sight) and is_made(like)):
            return super().answers_to(one, other, start, before)
        return same_first_reading(sight, like) and is_worked_out(sight, self.run) and is_worked_out(like, self.run)


def is_of_engine(entry: Entry) -> bool:
    """Whether a node of the autograd graph ran an operation, outside of API calls and compiled graphs."""
    return entry[5] is None and entry[9] is not None and entry[9].inside is None


def parts(row: Found, spare: Sequence[bool], sights: list[FirstSight]) -> Iterator[Found]:
    """The rows among the calls of *row* that stand for none but *spare* ones."""
    place = 2
    while place < len(spare):
        end = place
        while end < len(spare) and spare[end]:
            end += 1
        if end > place:
            yield found(row.segments[place - 2 : end], row.answers[place - 2 : end - 1], sights)
        place = end + 2 if end > place else place + 1
