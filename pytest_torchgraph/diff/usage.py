"""What becomes of the values of one graph: which are needed, and which work is done more than once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import field
from functools import cache, cached_property
from typing import NamedTuple

from pytest_torchgraph.canonical.program import Given, Operand, RecomputedCall, Work
from pytest_torchgraph.diff.keys import Keys
from pytest_torchgraph.diff.tree import Body, Definition, Made, Own, Place, Read
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.kinds import names_sync

VARYING = ("rand", "dropout", "bernoulli", "normal", "uniform", "multinomial", "exponential", "empty")
"""Words in the names of operations that may make something else each time."""


class Step(NamedTuple):
    """One operation where it stands."""

    place: Place
    work: Work


@dataclass(slots=True)
class Needs:
    """Where values are made that leave the graph, or that the host reads; and who writes into what."""

    kept: list[Place] = field(default_factory=list)
    read_by_host: list[Place] = field(default_factory=list)
    writers: dict[Place, list[Place]] = field(default_factory=lambda: defaultdict(list))


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
        again = self._are_done_again(works)
        # Where the caller got nothing at all, what it is after is not known.
        told = bool(self.keys.tree.program.outputs)
        idle = told and not any(place in self._needed for place in works)
        for_host = told and not idle and not any(place in self._needed_on_device for place in works)
        return again, idle, for_host

    def _are_done_again(self, works: list[Place]) -> bool:
        """Whether the work of all *works* is done elsewhere; nothing that stands once in the graph is."""
        if any(self._plain_counts[self.keys.plain[body][at]] == 1 for body, at in works if self._has_number(body, at)):
            return False
        return any(place in self._numbers for place in works) and all(map(self._is_done_again, works))

    @cached_property
    def _plain_counts(self) -> Counter[int]:
        """How often each number of an item stands in the graph, whatever it reads."""
        return Counter(number for plain in self.keys.plain for number in plain)

    def _has_number(self, body: int, at: int) -> bool:
        """Whether what the operation makes has a number: it writes nothing, and makes the same each time."""
        work = self.bodies[body].record.items[at]
        return isinstance(work, Work) and not _writes(work) and not _varies(work.name)

    def _is_done_again(self, place: Place) -> bool:
        """Whether the work is done elsewhere, too; what checkpointing runs again counts for itself only."""
        number = self._numbers.get(place)
        return number is None or self._counts[number] > (place not in self._rerun)

    def is_done_elsewhere(self, body: Body, at: int, kept: Mapping[Place, Place]) -> bool:
        """Whether the work of the item is done once more by items that are among the *kept*."""
        works = [place for place in self._works(body, at) if place in self._numbers]
        return bool(works) and all(
            any(twin in kept for twin in self._twins[self._numbers[place]] if twin != place) for place in works
        )

    @cached_property
    def _twins(self) -> dict[int, list[Place]]:
        """Where the work of each number is done."""
        found: dict[int, list[Place]] = defaultdict(list)
        for place, number in self._numbers.items():
            found[number].append(place)
        return found

    @cached_property
    def _rerun(self) -> set[Place]:
        """Where operations are that checkpointing runs again."""
        return {(body.number, at) for body in self.bodies if _is_rerun(body) for at in range(len(body.record.items))}

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
    def _steps(self) -> list[Step]:
        """Every operation in program order."""
        found: list[Step] = []
        self._gather(self.bodies[0], found)
        return found

    def _gather(self, body: Body, found: list[Step]) -> None:
        number, inner = body.number, body.inner
        for at, item in enumerate(body.record.items):
            if type(item) is Work:
                found.append(Step((number, at), item))
            elif at in inner:
                self._gather(inner[at], found)

    @cached_property
    def _counts(self) -> Counter[int]:
        return Counter(number for place, number in self._numbers.items() if place not in self._rerun)

    @cached_property
    def _numbers(self) -> dict[Place, int]:
        """A number for what each operation makes: equal for the same work on the same values."""
        found: dict[Place, int] = {}
        versions: Counter[Definition] = Counter()
        interned: dict[Hashable, int] = {}
        plain = self.keys.plain
        for place, work in self._steps:
            if _writes(work):
                versions.update(_version_of(read.definition) for read in self.keys.reads(*place)[:1])
            elif self._has_number(*place):
                values = [_value(read, found, versions) for read in self.keys.reads(*place)]
                key = (plain[place[0]][place[1]], *values)
                found[place] = interned.setdefault(key, len(interned))
        return found

    @cached_property
    def _needed(self) -> set[Place]:
        """Where values are made that something needs: the caller, a later phase, or the host."""
        return self._upstream(self._needs.read_by_host, self._needed_on_device)

    @cached_property
    def _needed_on_device(self) -> set[Place]:
        """The same without what the host reads."""
        return self._upstream(self._needs.kept, set())

    @cached_property
    def _needs(self) -> Needs:
        tree, found = self.keys.tree, Needs()
        outputs = (tree.bodies[0].read(operand).definition for _, operand in tree.program.outputs)
        found.kept += [(made.body, made.item) for made in outputs if isinstance(made, Made)]
        for place, work in self._steps:
            if work.is_sync or names_sync(work.name):
                found.read_by_host.append(place)
            elif work.becomes:
                found.kept.append(place)
            elif _writes(work):
                reads = self.keys.reads(*place)
                written = reads[0].definition if reads else Own("")
                if isinstance(written, Made) and not self._is_given(written):
                    found.writers[written.body, written.item].append(place)
                else:
                    found.kept.append(place)
        return found

    def _is_given(self, value: Made) -> bool:
        """Whether *value* was there before the graph: an input or a constant."""
        return isinstance(self.bodies[value.body].record.items[value.item], Given)

    def _upstream(self, of: list[Place], known: set[Place]) -> set[Place]:
        """Where all *of* these and everything that they were made from are made, beside what is *known* as such."""
        writers, made = self._needs.writers, self._makers
        waiting = [place for place in of if place not in known]
        found = known.union(waiting)
        while waiting:
            place = waiting.pop()
            for each in (*made(place), *writers.get(place, ())):
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return found

    def _makers(self, place: Place) -> list[Place]:
        """Where all is made that the item at *place* reads."""
        items = self.keys.items_read(self.bodies[place[0]], place[1])
        if items is not None:
            return [(place[0], item) for item in items]
        return [read.definition[:2] for read in self.keys.reads(*place) if type(read.definition) is Made]


def _is_rerun(body: Body | None) -> bool:
    while body is not None:
        if isinstance(body.record, RecomputedCall):
            return True
        body = body.outer
    return False


def _value(read: Read, numbers: dict[Place, int], versions: Counter[Definition]) -> Hashable:
    """What an operation reads: the work that made it, what was written into it since, and how it is read."""
    made, readings = read
    version = versions.get(made, 0)
    if isinstance(made, Own):
        return made, version, versions.get(EVERY, 0), readings
    if type(made) is Made and (number := numbers.get(made[:2])) is not None:
        return (number, made.position, version, readings) if readings or version else (number, made.position)
    return made, version, readings


EVERY = Own("*")
"""Stands for all parameters, which a loop over them writes."""


def _version_of(definition: Definition) -> Definition:
    return EVERY if isinstance(definition, Own) and definition.path.startswith("*") else definition


def _writes(work: Work) -> bool:
    """Whether the operation changes an existing value."""
    return not work.outcomes or any(type(outcome) is Operand for outcome in work.outcomes)


@cache
def _varies(name: str) -> bool:
    return any(word in name for word in VARYING)
