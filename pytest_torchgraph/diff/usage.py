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

    def facts(self, body: Body, at: int) -> tuple[bool, bool, bool]:
        """Of the item: whether its work is done elsewhere too, whether nothing needs it, whether only the host does."""
        works = list(self._works(body, at))
        if not works:
            return False, False, False
        numbers = [self._numbers[place] for place in works if place in self._numbers]
        again = bool(numbers) and all(self._counts[number] > 1 for number in numbers)
        # Where the caller got nothing at all, what it is after is not known.
        told = bool(self.keys.tree.program.outputs)
        idle = told and not any(place in self._needed for place in works)
        for_host = told and not idle and not any(place in self._needed_on_device for place in works)
        return again, idle, for_host

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
        """Where values are made that something needs: the caller, a later phase, or the host."""
        return self._upstream([*self._kept, *self._read_by_host])

    @cached_property
    def _needed_on_device(self) -> set[Place]:
        """The same without what the host reads."""
        return self._upstream(list(self._kept))

    @cached_property
    def _kept(self) -> list[Place]:
        """Where values are made that leave the graph, or are written into what was there before it."""
        tree = self.keys.tree
        found = _places(tree.read(tree.bodies[0], operand) for _, operand in tree.program.outputs)
        for body, at, work in self._in_order(tree.bodies[0]):
            written = _written(self.keys.reads(body.number, at)) if _writes(work) else None
            into_given = written is not None and not self._is_made(written) and not _is_sync(work)
            if work.becomes or into_given:
                found.append((body.number, at))
        return found

    @cached_property
    def _read_by_host(self) -> list[Place]:
        return [(body.number, at) for body, at, work in self._in_order(self.bodies[0]) if _is_sync(work)]

    @cached_property
    def _writers(self) -> dict[Place, list[Place]]:
        """The operations in place by the maker of what they write into."""
        found: dict[Place, list[Place]] = defaultdict(list)
        for body, at, work in self._in_order(self.bodies[0]):
            written = _written(self.keys.reads(body.number, at)) if _writes(work) else None
            if isinstance(written, Made) and not _is_sync(work):
                found[written.body, written.item].append((body.number, at))
        return found

    def _is_made(self, value: Definition) -> bool:
        """Whether an operation of the graph made *value*: inputs and constants were there before."""
        if not isinstance(value, Made):
            return False
        return not isinstance(self.bodies[value.body].record.items[value.item], Given)

    def _upstream(self, waiting: list[Place]) -> set[Place]:
        writers = self._writers
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


def _is_sync(work: Work) -> bool:
    return packet_of(work.name) in SYNC_PACKETS


def _varies(work: Work) -> bool:
    return any(word in work.name for word in VARYING)


def _written(reads: tuple[Read, ...]) -> Definition:
    """The value that an operation in place writes into; of several the first stands for all."""
    return reads[0].definition if reads else Own("")


def _places(reads: Iterator[Read]) -> list[Place]:
    return [(made.body, made.item) for made in (read.definition for read in reads) if isinstance(made, Made)]
