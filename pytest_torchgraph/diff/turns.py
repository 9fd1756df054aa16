"""Which items of two matched graphs changed places, so that another value is read or left behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from pytest_torchgraph.canonical.program import Block, Given, Item, Operand, Semantic, Work
from pytest_torchgraph.diff.keys import OPERATIONS, Keys
from pytest_torchgraph.diff.matching import Matching, in_order
from pytest_torchgraph.diff.tree import Body, Definition, Place
from pytest_torchgraph.recorded.operation import packet_of


class Touch(NamedTuple):
    """An operation that reads or writes a value, and when it runs before and after."""

    place: Place
    before: int
    after: int
    writes: bool


def out_of_turn(matching: Matching) -> set[Place]:
    """The operations before, and the calls around them, that changed places with one that shares a value with them.

    One of the two writes the value in place. Two names of one memory that the model was given are not known as one.
    """
    found: set[Place] = set()
    for touches in _touches(matching).values():
        if any(touch.writes for touch in touches):
            found.update(place for touch in _exchanged(touches) for place in _around(matching.before, touch.place))
    return found


def _touches(matching: Matching) -> dict[Definition, list[Touch]]:
    """By value of the graph before, the operations that both graphs have and that touch it, in the order before."""
    turns = {(body.number, at): turn for turn, (body, at) in enumerate(in_order(matching.after.tree.bodies[0]))}
    found: dict[Definition, list[Touch]] = defaultdict(list)
    for turn, (body, at) in enumerate(in_order(matching.before.tree.bodies[0])):
        place = body.number, at
        other = turns.get(matching.forward.get(place, (-1, -1)))
        if other is not None and isinstance(body.record.items[at], OPERATIONS):
            for definition, writes in _touched(matching.before, body, at).items():
                found[definition].append(Touch(place, turn, other, writes))
    return found


def _touched(keys: Keys, body: Body, at: int) -> dict[Definition, bool]:
    """The values that an operation reads, each with whether it may write it."""
    item = body.record.items[at]
    reads = keys.reads(body.number, at)
    writes = writes_in_place(item)
    is_first_alone = isinstance(item, Work) and packet_of(item.name).endswith("_") and "_foreach_" not in item.name
    found: dict[Definition, bool] = {}
    for position, read in enumerate(reads):
        is_written = writes and not (is_first_alone and position)
        found[read.definition] = found.get(read.definition, False) or is_written
    return found


def _exchanged(touches: list[Touch]) -> Iterator[Touch]:
    """Those that changed places with a writer, and the writers that changed places with any."""
    beside_writers = _crossing(touches, [touch.writes for touch in touches])
    beside_any = _crossing(touches, [True] * len(touches))
    for touch, crosses_writer, crosses_any in zip(touches, beside_writers, beside_any, strict=True):
        if crosses_writer or (touch.writes and crosses_any):
            yield touch


def _crossing(touches: list[Touch], counts: list[bool]) -> list[bool]:
    """For each, whether one of those that count ran on its other side before."""
    never = max(touch.after for touch in touches) + 1
    known = [*zip(touches, counts, strict=True)]
    latest = accumulate((touch.after if counted else -1 for touch, counted in known), max, initial=-1)
    sooner = accumulate((touch.after if counted else never for touch, counted in known[::-1]), min, initial=never)
    soonest = [*sooner][-2::-1]
    return [
        late > touch.after or soon < touch.after for touch, late, soon in zip(touches, latest, soonest, strict=False)
    ]


def _around(keys: Keys, place: Place) -> Iterator[Place]:
    """*place*, and the calls that it is part of."""
    yield place
    body = keys.tree.bodies[place[0]]
    while body.outer is not None:
        yield body.outer.number, body.position
        body = body.outer


def writes_in_place(item: Item) -> bool:
    """Whether *item* changes existing values: it returns just what it wrote, or an existing value."""
    match item:
        case Work():
            return not item.outcomes or any(isinstance(outcome, Operand) for outcome in item.outcomes)
        case Given():
            return False
        case Block() | Semantic():
            return any(map(writes_in_place, item.items))
