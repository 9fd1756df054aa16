"""Which items of two graphs correspond: scope by scope, then in sequence, then wherever an item has moved to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property

from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Given,
    ModuleCall,
    Work,
)
from pytest_torchgraph.diff.keys import Keys
from pytest_torchgraph.diff.same import NOTHING, Same, Told
from pytest_torchgraph.diff.sequences import crossing_calls, same_start, sequence_pairs, told_as
from pytest_torchgraph.diff.tree import Body, Definition, Made, Own, Place, Read

ROUNDS = 8
"""How often what is left over is looked through, each time with what was found before."""
FAR = 4096
"""How many inserted operations are searched for the value that an operand read before."""


class Matching:
    """Corresponding items of two graphs, both ways; ``moved`` are pairs that changed place among the rest."""

    def __init__(self, before: Keys, after: Keys, same: Same = NOTHING) -> None:
        self.before = before
        self.after = after
        self.same = same
        self.told = Told(same, before.tree, after.tree)
        self.forward: dict[Place, Place] = {}
        self.backward: dict[Place, Place] = {}
        self.moved: set[Place] = set()
        self.same_starts: dict[int, int] = {}
        """By number of a body after, with how many items it begins that are the same in the body before."""
        self.modules: dict[str, str] = {"": "", **self.told.to}
        self.leaf_renames: dict[str, str] = {}
        self._unmatched: dict[int, list[tuple[Body, int]]] = {}
        self._seen_through: dict[tuple[bool, Definition], list[Definition]] = {}

    def found(self) -> Matching:
        """This, with all that corresponds."""
        before, after = self.before, self.after
        before.told = {body.number: self.told.before(body) for body in before.tree.bodies} if self.same else {}
        after.told = {body.number: self.told.after(body) for body in after.tree.bodies} if self.same else {}
        self._match_bodies(before.tree.bodies[0], after.tree.bodies[0])
        if self.told.to:
            self._match_told()
        self._match_unwrapped()
        self._match_moved()
        return self

    def mirrored(self) -> Matching:
        """The same, the two graphs having changed places."""
        other = Matching(self.after, self.before, self.same)
        other.forward, other.backward = self.backward, self.forward
        other.moved = {self.forward[place] for place in self.moved}
        other.modules = {after: before for before, after in self.modules.items()}
        other.leaf_renames = {after: before for before, after in self.leaf_renames.items()}
        return other

    @property
    def leaves_calls(self) -> bool:
        """Whether calls of modules have no counterpart though both sides leave something over: there may be more."""
        left = [self._left_over(self.before, self.forward), self._left_over(self.after, self.backward)]
        calls = (isinstance(body.record.items[at], ModuleCall) for side in left for body, at in side)
        return all(left) and any(calls)

    def pair(self, before: Place, after: Place) -> None:
        """Note that two items correspond."""
        self.forward[before] = after
        self.backward[after] = before

    def _match_bodies(self, before: Body, after: Body) -> None:
        if before.forward is before:
            self.modules.setdefault(before.owner, after.owner)
        if self.before.digests[before.number] == self.after.digests[after.number]:
            pairs = [(at, at) for at in range(len(before.record.items))]
        else:
            sides = self.before, before, self.after, after
            start = self.same_starts[after.number] = same_start(*sides)
            pairs = sequence_pairs(*sides, start)
            crossing = crossing_calls((self.before, before), (self.after, after), pairs)
            self.moved.update((before.number, left) for left, _ in crossing)
            pairs = sorted([*pairs, *crossing])
        for left, right in pairs:
            self.pair((before.number, left), (after.number, right))
            if left in before.inner and right in after.inner:
                self.before.calls[before.number, left] = self.after.calls[after.number, right] = len(self.forward)
                self._match_bodies(before.inner[left], after.inner[right])

    def _match_told(self) -> None:
        """Pair the calls that are said to be the same and stand in modules that do not correspond."""
        waiting: dict[object, list[Place]] = defaultdict(list)
        for body, at in self._left_over(self.after, self.backward):
            waiting[told_as(self.after, body, at)].append((body.number, at))
        for body, at in self._left_over(self.before, self.forward):
            told = told_as(self.before, body, at)
            if told is not None and waiting.get(told) and (body.number, at) not in self.forward:
                self._pair_moved((body.number, at), waiting[told].pop(0))

    def _match_unwrapped(self) -> None:
        """Pair the calls of modules that hold the same under the same name, where a module around them came or went."""
        ways = ((self._path_now, _path_in), (_name_in, _name_in))
        for name_before, name_after in ways:
            before = self._calls_left_over(self.before, self.forward, name_before)
            after = self._calls_left_over(self.after, self.backward, name_after)
            for called, places in before.items():
                others = after.get(called, [])
                if len(places) == len(others) == 1 and places[0] not in self.forward and others[0] not in self.backward:
                    self._pair_moved(places[0], others[0])

    def _path_now(self, called: Body, _: AnyBlock) -> str:
        return self.renamed(f"{called.owner}.").strip(".")

    def _calls_left_over(
        self, keys: Keys, matched: dict[Place, Place], name_of: Callable[[Body, AnyBlock], str]
    ) -> dict[object, list[Place]]:
        found: dict[object, list[Place]] = defaultdict(list)
        for body, at in self._left_over(keys, matched):
            item, inner = body.record.items[at], body.inner.get(at)
            if isinstance(item, Block) and inner is not None and inner.forward is inner and keys.held(inner):
                found[item.class_name, name_of(inner, item), item.call, keys.held(inner)].append((body.number, at))
        return found

    def _match_moved(self) -> None:
        """Pair what was left over on both sides and does the same work, on the same values or on what became of them.

        Where only a part of what is read is the same, one has to stand in a module around the other: work that was
        taken out of a module or put into one. What was found may be read by what was not, so that it is looked again.
        """
        ways = (
            (self._reads_the_same, _use),
            (self._reads_the_same, _label),
            (self._reads_the_same, _name),
            (self._reads_what_became, _name),
        )
        found = True
        for _ in range(ROUNDS):
            if not found:
                return
            pairs = [self._match_by(reads_alike, label) for reads_alike, label in ways]
            found = any(pairs)

    def _match_by(
        self, reads_alike: Callable[[Place, Place], bool], label: Callable[[Keys, Body, int], object]
    ) -> bool:
        """Pair what is left over, is called the same by *label* and *reads_alike*; whether there was any."""
        left, right = self._left_over(self.before, self.forward), self._left_over(self.after, self.backward)
        candidates: dict[object, list[Place]] = defaultdict(list)
        for body, at in right:
            candidates[label(self.after, body, at)].append((body.number, at))
        found = False
        for body, at in left:
            own = body.number, at
            if own in self.forward:
                continue
            waiting = candidates.get(label(self.before, body, at), [])
            free = (place for place in waiting if place not in self.backward)
            place = next((place for place in free if reads_alike(own, place)), None)
            if place is not None:
                waiting.remove(place)
                self._pair_moved(own, place)
                found = True
        return found

    def _pair_moved(self, before: Place, after: Place) -> None:
        self.pair(before, after)
        self.moved.add(before)
        left, right = self.before.tree.bodies[before[0]], self.after.tree.bodies[after[0]]
        if before[1] in left.inner:
            self._match_bodies(left.inner[before[1]], right.inner[after[1]])

    def _left_over(self, keys: Keys, matched: dict[Place, Place]) -> list[tuple[Body, int]]:
        """The items without a counterpart, in the order in which they run: those that made what an item reads first."""
        left = self._unmatched.get(id(keys))
        if left is None:
            every = in_order(keys.tree.bodies[0])
            left = [(body, at) for body, at in every if not isinstance(body.record.items[at], Given)]
        self._unmatched[id(keys)] = found = [(body, at) for body, at in left if (body.number, at) not in matched]
        return found

    def _reads_of(self, before: Place, after: Place) -> list[tuple[Read, Read]] | None:
        """The operands of two items in pairs; ``None`` where they do not pair up."""
        left, right = self.before.taken(*before), self.after.taken(*after)
        return list(zip(left, right, strict=True)) if len(left) == len(right) else None

    def _reads_the_same(self, before: Place, after: Place) -> bool:
        pairs = self._reads_of(before, after)
        if pairs is None:
            return False
        # Parameters last: two of them are only taken for one another where all else is alike.
        pairs.sort(key=lambda pair: isinstance(pair[0].definition, Own))
        return all(self.same_read(*pair) for pair in pairs)

    def _reads_what_became(self, before: Place, after: Place) -> bool:
        """Whether each operand is the same value or one that became of it, in a module around the other or inside."""
        scopes = self.before.tree.bodies[before[0]].owner, self.after.tree.bodies[after[0]].owner
        pairs = self._reads_of(before, after)
        if not pairs or not _are_nested(self.renamed(f"{scopes[0]}.").strip("."), scopes[1]):
            return False
        return all(
            self.same_value(*made) or self.is_consequence(*made)
            for made in ((before_read.definition, after_read.definition) for before_read, after_read in pairs)
        )

    def same_read(self, before: Read, after: Read) -> bool:
        """Whether two operands are corresponding values, read alike."""
        return self.same_value(before.definition, after.definition) and self.reads_as(before, after)

    def reads_as(self, before: Read, after: Read) -> bool:
        """Whether two corresponding values are read alike, through whichever modules they are handed on."""
        return before.readings == after.readings or self.before.tree.whole(before) == self.after.tree.whole(after)

    def same_value(self, before: Definition, after: Definition) -> bool:
        """Whether two values correspond: made by corresponding operations, or the same parameter."""
        if isinstance(before, Made):
            if not isinstance(after, Made) or before.position != after.position:
                return False
            return self.forward.get((before.body, before.item)) == (after.body, after.item)
        if isinstance(before, Own):
            return isinstance(after, Own) and self._same_leaf(before.path, after.path)
        return before == after

    def _same_leaf(self, before: str, after: str) -> bool:
        return before == after or self.renamed(before) == after or self._is_renamed_leaf(before, after)

    def _is_renamed_leaf(self, before: str, after: str) -> bool:
        """Whether a parameter has another name that was free before, its own being free after."""
        left, right = self.before.tree.leaves(), self.after.tree.leaves()
        if left.get(before) != right.get(after) or not self._are_akin(before, after):
            return False
        known = self.leaf_renames.get(before)
        if before in right or after in left or (known is None and after in self.leaf_renames.values()):
            return False
        return self.leaf_renames.setdefault(before, after) == after

    def _are_akin(self, before: str, after: str) -> bool:
        """Whether two parameters belong to one module, or are called alike in one that is gone and one that came.

        What is never called, as a list of parameters, belongs to the module around it.
        """
        (scope, _, name), (other, _, called) = before.rpartition("."), after.rpartition(".")
        if self.renamed(before).rpartition(".")[0] == other:
            return True
        left, right = self._owners
        now = self.renamed(f"{scope}.").strip(".")
        if _are_nested(now, other) and self._caller_of(now, right) == self._caller_of(other, right):
            return True
        elsewhere = scope in left - right and other in right - left
        return name == called and (elsewhere or (scope != other and _are_nested(self.modules.get(scope, scope), other)))

    @staticmethod
    def _caller_of(path: str, called: set[str]) -> str:
        """The module at *path*, or the one around it that is *called*."""
        while path and path not in called:
            path = path.rpartition(".")[0]
        return path

    @cached_property
    def _owners(self) -> tuple[set[str], set[str]]:
        """Paths of the modules that each graph calls."""
        before, after = ({body.owner for body in keys.tree.bodies} for keys in (self.before, self.after))
        return before, after

    def renamed(self, path: str) -> str:
        """The path of a parameter after the scopes around it were renamed."""
        head, _, tail = path.rpartition(".")
        while head and head not in self.modules:
            head, _, more = head.rpartition(".")
            tail = f"{more}.{tail}"
        scope = self.modules.get(head, head)
        return f"{scope}.{tail}" if scope else tail

    def is_consequence(self, before: Definition, after: Definition) -> bool:
        """Whether an operand reads another value only because operations were inserted or removed on the way.

        That is so when the value read before is still reached through the inserted operations alone, or the other
        way round through the removed ones, or when both makers are gone and come; and when an operation is in place
        on one side only, so that what it made there is what it wrote.
        """
        if self._is_written(before, after):
            return True
        gone = isinstance(before, Made) and (before.body, before.item) not in self.forward
        come = isinstance(after, Made) and (after.body, after.item) not in self.backward
        if gone and come:
            return True
        if come:
            return any(self.same_value(before, found) for found in self._through_inserted(after))
        if gone:
            return any(self.same_value(found, after) for found in self._through_removed(before))
        return False

    def _is_written(self, before: Definition, after: Definition) -> bool:
        """Whether one is made by an operation whose counterpart writes into the other."""
        if isinstance(before, Made) and after in _written(self.after, self.forward.get(before[:2])):
            return True
        return isinstance(after, Made) and before in _written(self.before, self.backward.get(after[:2]))

    def _through_inserted(self, value: Definition) -> list[Definition]:
        key = (True, value)
        if key not in self._seen_through:
            self._seen_through[key] = list(_upstream(self.after, value, self.backward))
        return self._seen_through[key]

    def _through_removed(self, value: Definition) -> list[Definition]:
        key = (False, value)
        if key not in self._seen_through:
            self._seen_through[key] = list(_upstream(self.before, value, self.forward))
        return self._seen_through[key]


def _path_in(called: Body, _: AnyBlock) -> str:
    return called.owner


def _name_in(_: Body, item: AnyBlock) -> str:
    return item.name


def in_order(body: Body) -> Iterator[tuple[Body, int]]:
    """The items of *body* and of the module calls in it, each call before what it does."""
    for at in range(len(body.record.items)):
        yield body, at
        inner = body.inner.get(at)
        if inner is not None and inner.beneath is None:
            yield from in_order(inner)


def _written(keys: Keys, place: Place | None) -> tuple[Definition, ...]:
    """The value that the operation at *place* writes into, where it makes none."""
    if place is None:
        return ()
    item = keys.tree.bodies[place[0]].record.items[place[1]]
    reads = keys.reads(*place)
    return (reads[0].definition,) if isinstance(item, Work) and not item.outcomes and reads else ()


def _upstream(keys: Keys, start: Definition, matched: dict[Place, Place]) -> Iterator[Definition]:
    """The values that an unmatched operation reads, seen through unmatched operations only."""
    waiting, seen = [start], {start}
    while waiting and len(seen) < FAR:
        made = waiting.pop()
        if not isinstance(made, Made) or (made.body, made.item) in matched:
            continue
        for read in keys.reads(made.body, made.item):
            yield read.definition
            if read.definition not in seen:
                seen.add(read.definition)
                waiting.append(read.definition)


def _use(keys: Keys, body: Body, at: int) -> object:
    """What an item that moved is recognised by, and where its result ends: keys of attention are no queries."""
    return _label(keys, body, at), keys.ends(body).get(at)


def _label(keys: Keys, body: Body, at: int) -> object:
    """What an item that moved is recognised by; what it reads is compared on top of it."""
    item = body.record.items[at]
    if isinstance(item, Block):
        kind = type(item), item.class_name, keys.digests[body.inner[at].number]
        return ("scope", *kind, told_as(keys, body, at))
    return ("operation", keys.loose(body, at))


def _name(keys: Keys, body: Body, at: int) -> object:
    """What an item that moved and changed is recognised by."""
    item = body.record.items[at]
    if isinstance(item, Block):
        return (type(item), item.class_name, item.name, item.call, told_as(keys, body, at))
    made = item.outcomes if isinstance(item, Work) and not keys.reads(body.number, at) else ()
    return ("operation", item.name, made)


def _are_nested(one: str, other: str) -> bool:
    return not one or not other or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
