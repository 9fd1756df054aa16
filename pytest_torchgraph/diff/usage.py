"""What becomes of the values of one graph: which are needed, and which work is done more than once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from functools import cached_property

from pytest_torchgraph.diff.change import packet_of
from pytest_torchgraph.diff.keys import Keys
from pytest_torchgraph.diff.tree import Body, Definition, Made, Own, Place, Read
from pytest_torchgraph.graph.program import Block, Given, Operand, Semantic, Work
from pytest_torchgraph.graph.tally import SYNC_PACKETS

VARYING = ("rand", "dropout", "bernoulli", "normal", "uniform", "multinomial", "exponential", "empty")
"""Words in the names of operations that may make something else each time."""


class Usage:
    """Answers about the items of one graph; counted when first asked."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.bodies = keys.tree.bodies

    def is_again(self, body: Body, at: int) -> bool:
        """Whether all the work of the item is done on the same values elsewhere too."""
        counts, numbers = self._counts, self._numbers
        found = [counts[numbers[place]] > 1 for place in self._works(body, at) if place in numbers]
        return bool(found) and all(found)

    def is_idle(self, body: Body, at: int) -> bool:
        """Whether nothing needs what the item makes: neither the caller, nor a later phase, nor something in place.

        Never where the caller got nothing at all, as what it is after is then not known.
        """
        if not self.keys.tree.program.outputs:
            return False
        found = [place not in self._needed for place in self._works(body, at)]
        return bool(found) and all(found)

    def _works(self, body: Body, at: int) -> Iterator[Place]:
        """Where the operations of the item are."""
        inner = body.inner.get(at)
        if inner is None:
            if isinstance(body.record.items[at], Work):
                yield body.number, at
            return
        for position in range(len(inner.record.items)):
            yield from self._works(inner, position)

    @cached_property
    def _counts(self) -> Counter[int]:
        return Counter(self._numbers.values())

    @cached_property
    def _numbers(self) -> dict[Place, int]:
        """A number for what each operation makes: equal for the same work on the same values."""
        found: dict[Place, int] = {}
        versions: Counter[Definition] = Counter()
        interned: dict[Hashable, int] = {}
        for body, at, work in self._in_order(self.bodies[0]):
            reads = self.keys.reads(body.number, at)
            if _writes(work) or _varies(work):
                versions.update({read.definition: 1 for read in reads[:1]} if _writes(work) else {})
                continue
            key = self.keys.plain[body.number][at], *(self._value(read, found, versions) for read in reads)
            found[body.number, at] = interned.setdefault(key, len(interned))
        return found

    def _value(self, read: Read, numbers: dict[Place, int], versions: Counter[Definition]) -> Hashable:
        made = read.definition
        if isinstance(made, Made) and (made.body, made.item) in numbers:
            return numbers[made.body, made.item], made.position, versions[made], read.readings
        return made, versions[made], read.readings

    def _in_order(self, body: Body) -> Iterator[tuple[Body, int, Work]]:
        for at, item in enumerate(body.record.items):
            match item:
                case Work():
                    yield body, at, item
                case Block() | Semantic():
                    yield from self._in_order(body.inner[at])
                case Given():
                    pass

    @cached_property
    def _needed(self) -> set[Place]:
        """Where values are made that something needs, followed up from what leaves the graph."""
        writers: dict[Place, list[Place]] = defaultdict(list)
        waiting: list[Place] = []
        for body, at, work in self._in_order(self.bodies[0]):
            place = (body.number, at)
            written = _written(self.keys.reads(*place)) if _writes(work) else None
            if packet_of(work.name) in SYNC_PACKETS or work.becomes:
                waiting.append(place)
            elif isinstance(written, Made):
                writers[written.body, written.item].append(place)
            elif written is not None:
                waiting.append(place)
        tree = self.keys.tree
        waiting += _places(tree.read(tree.bodies[0], operand) for _, operand in tree.program.outputs)
        return self._upstream(waiting, writers)

    def _upstream(self, waiting: list[Place], writers: dict[Place, list[Place]]) -> set[Place]:
        found = set(waiting)
        while waiting:
            place = waiting.pop()
            following = [*_places(iter(self.keys.reads(*place))), *writers.get(place, ())]
            fresh = [each for each in following if each not in found]
            found.update(fresh)
            waiting.extend(fresh)
        return found


def _writes(work: Work) -> bool:
    """Whether the operation changes an existing value."""
    return not work.outcomes or any(isinstance(outcome, Operand) for outcome in work.outcomes)


def _varies(work: Work) -> bool:
    return any(word in work.name for word in VARYING)


def _written(reads: tuple[Read, ...]) -> Definition:
    """The value that an operation in place writes into; of several the first stands for all."""
    return reads[0].definition if reads else Own("")


def _places(reads: Iterator[Read]) -> list[Place]:
    return [(made.body, made.item) for made in (read.definition for read in reads) if isinstance(made, Made)]
