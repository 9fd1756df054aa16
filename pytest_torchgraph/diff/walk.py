"""Read the changes off two matched graphs, in program order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from pytest_torchgraph.canonical.program import (
    Block,
    Given,
    Item,
    ParameterLoop,
    PhaseBlock,
    Semantic,
    Work,
    parameters_of,
)
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Called,
    Change,
    Field,
    LeafChanged,
    LoopChanged,
    Moved,
    Removed,
    Renamed,
    Replaced,
    Site,
    first_source,
)
from pytest_torchgraph.diff.fields import FieldComparison, is_shifted, spec_fields
from pytest_torchgraph.diff.keys import Keys
from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.modules import Modules
from pytest_torchgraph.diff.origin import forward_source
from pytest_torchgraph.diff.showing import site_at
from pytest_torchgraph.diff.tree import Body, Made, Own, Place, Read, Tree, operation_names, read_spec
from pytest_torchgraph.diff.turns import out_of_turn, writes_in_place
from pytest_torchgraph.diff.usage import Usage
from pytest_torchgraph.recorded.kinds import ATTENTION, ATTENTION_CALLS, COPIES
from pytest_torchgraph.recorded.operation import packet_of

LOOKS = frozenset({"dtype", "shape", "stride", "device", "layout", "geometry", "part"})
"""Kinds of fields that are handed on from an operand to what reads it."""


class Walk:
    """Goes through the graph after, dropping in what was removed where it stood."""

    def __init__(self, matching: Matching) -> None:
        self.matching = matching
        self.before = matching.before
        self.after = matching.after
        self.changed_looks: set[Place] = set()
        self.changed_leaves: set[str] = set()
        self.part_moved = self._bodies_around_moved()
        self.modules = Modules(matching)
        self.usage_before, self.usage_after = Usage(self.before), Usage(self.after)

    def _bodies_around_moved(self) -> tuple[set[int], set[int]]:
        """Numbers of the bodies that hold moved items, with all around them, before and after."""
        found: tuple[set[int], set[int]] = (set(), set())
        for place in self.matching.moved:
            for side, keys, number in ((0, self.before, place[0]), (1, self.after, self.matching.forward[place][0])):
                body: Body | None = keys.tree.bodies[number]
                while body is not None:
                    found[side].add(body.number)
                    body = body.outer
        return found

    @cached_property
    def used(self) -> set[Place]:
        """The items before whose results are read by what is still there, or handed to the caller."""
        keys = self.before
        found: set[Place] = set()
        for place in self.matching.forward:
            found.update(_maker(read) for read in keys.reads(*place))
        root = keys.tree.bodies[0]
        found.update(_maker(root.read(operand)) for _, operand in keys.tree.program.outputs)
        return found

    @cached_property
    def out_of_turn(self) -> set[Place]:
        """The items before that changed places with others that share a value with them which one of them writes."""
        return out_of_turn(self.matching)

    def changes(self) -> Iterator[Change]:
        """All changes of the bodies."""
        left, right = self.before.tree.bodies[0], self.after.tree.bodies[0]
        if left.class_name != right.class_name:
            yield Replaced(right.scope, left.class_name, right.class_name)
        yield from self._body(left, right)

    def _body(self, before: Body, after: Body) -> Iterator[Change]:
        yield from self._leaves(before, after)
        next_before = 0
        start = self.matching.same_starts.get(after.number, 0)
        for at in range(len(after.record.items)):
            if at < start and at not in after.inner:
                next_before = at + 1
                continue
            place = self.matching.backward.get((after.number, at))
            if place is None:
                yield from self._added(after, at)
                continue
            if self.matching.forward[place] != (after.number, at):
                yield from self._inside(after.inner[at])
                continue
            if place[0] == before.number and place not in self.matching.moved:
                yield from self._removed_between(before, next_before, place[1])
                next_before = place[1] + 1
            yield from self._pair(self.before.tree.bodies[place[0]], place[1], after, at)
        yield from self._removed_between(before, next_before, len(before.record.items))

    def _removed_between(self, body: Body, start: int, stop: int) -> Iterator[Change]:
        for at in range(start, stop):
            if (body.number, at) not in self.matching.forward:
                yield from self._removed(body, at)

    def _added(self, body: Body, at: int) -> Iterator[Change]:
        inner = body.inner.get(at)
        if inner is not None and inner.number in self.part_moved[1]:
            yield from self._inside(inner)
            return
        operations = operations_in(body.record.items[at]) * body.times
        follows = self._copies_changed(self.after, body, at, {})
        facts = self.usage_after.facts(body, at)
        left = facts[0] and self.usage_after.is_done_elsewhere(body, at, self.matching.backward)
        yield Added(site_at(self.after, body, at), operations, *facts, follows, left=left)
        for inside, position in notable_in(inner):
            facts = self.usage_after.facts(inside, position)
            yield Added(site_at(self.after, inside, position), 0, *facts, within=True)

    def _inside(self, inner: Body) -> Iterator[Change]:
        """What is done in a call that has no counterpart of its own: a module around it has, or what it does has."""
        for position in range(len(inner.record.items)):
            place = self.matching.backward.get((inner.number, position))
            if place is None:
                yield from self._added(inner, position)
            else:
                yield from self._pair(self.before.tree.bodies[place[0]], place[1], inner, position)

    def _removed(self, body: Body, at: int) -> Iterator[Change]:
        inner = body.inner.get(at)
        if inner is not None and inner.number in self.part_moved[0]:
            yield from self._removed_between(inner, 0, len(inner.record.items))
            return
        item = body.record.items[at]
        used = (body.number, at) in self.used or writes_in_place(item)
        operations = operations_in(item) * body.times
        facts = self.usage_before.facts(body, at)
        follows = self._copies_changed(self.before, body, at, self.matching.forward)
        near = self._near(body, at)
        left = facts[0] and self.usage_before.is_done_elsewhere(body, at, self.matching.forward)
        yield Removed(self._was(body, at), operations, *facts, follows, used=used, left=left, near=near)
        for inside, position in notable_in(inner):
            found = self.usage_before.facts(inside, position)
            yield Removed(self._was(inside, position), 0, *found, within=True, used=used, near=near)

    def _was(self, body: Body, at: int) -> Site:
        """The item before, told under the paths that its modules have after: both sides of an edit are one place."""
        site, now = site_at(self.before, body, at), self.modules.now
        if not self.modules.paths:
            return site
        inner = None if site.inner is None else site.inner.renamed(now)
        return replace(
            site, scope=site.scope.renamed(now), around=tuple(map(now, site.around)), inner=inner, stood=site.scope
        )

    def _near(self, body: Body, at: int) -> int | None:
        """Where what is gone stood: the source of its forward operation, or of what is still there beside it."""
        known = forward_source(self.matching, body, at)
        is_forward = known is None and body.forward is body
        places = [*range(at + 1, len(body.record.items)), *range(at - 1, -1, -1)] if is_forward else []
        for beside in places:
            after = self.matching.forward.get((body.number, beside))
            if after is not None:
                source = first_source(self.after.tree.bodies[after[0]].record.items[after[1]])
                if source is not None:
                    return source
        return known

    def _copies_changed(self, keys: Keys, body: Body, at: int, to_after: dict[Place, Place]) -> bool:
        """Whether the item at *at* copies a value that lies otherwise on the other side."""
        item = body.record.items[at]
        if not isinstance(item, Work) or packet_of(item.name) not in COPIES:
            return False
        made = next((_maker(read) for read in keys.reads(body.number, at)[:1]), (-1, -1))
        return to_after.get(made, made) in self.changed_looks

    def _pair(self, before: Body, left: int, after: Body, right: int) -> Iterator[Change]:
        if (before.number, left) in self.matching.moved and not self._is_renamed(before, left, after, right):
            yield self._moved(before, left, after, right)
        one, other = before.record.items[left], after.record.items[right]
        match one, other:
            case Work(), Work():
                yield from self._operation(before, left, after, right)
            case Block(), Block():
                yield from self._blocks(before.inner[left], after.inner[right])
            case Given(), Given():
                yield from self._givens(before, left, after, right)
            case Semantic(), Semantic():
                yield from self._operation(before, left, after, right)
                yield from self._body(before.inner[left], after.inner[right])
            case _:
                yield from self._operation(before, left, after, right)

    def _is_renamed(self, before: Body, left: int, after: Body, right: int) -> bool:
        """Whether a module call that stands elsewhere is that of a module whose other path is told."""
        one, other = before.inner.get(left), after.inner.get(right)
        if one is None or other is None or one.owner == other.owner or one.beneath or other.beneath:
            return False
        if self.modules.is_told(one.owner, other.owner):
            return True
        return self.modules.renamed(one.owner, other.owner) and _own_name(one) != _own_name(other)

    def _moved(self, before: Body, left: int, after: Body, right: int) -> Moved:
        writes = (before.number, left) in self.out_of_turn
        return Moved(self._was(before, left), site_at(self.after, after, right), writes)

    def _blocks(self, before: Body, after: Body) -> Iterator[Change]:
        if before.owner != after.owner:
            yield from self._another_module(before, after)
        yield from self._loop(before, after)
        if before.class_name != after.class_name:
            told = self.modules.is_told(before.owner, after.owner)
            yield Replaced(after.scope, before.class_name, after.class_name, told)
        if not self._untouched(before, after):
            yield from self._body(before, after)

    def _another_module(self, before: Body, after: Body) -> Iterator[Change]:
        """A module of another name: renamed, or called in the place of another that both graphs have."""
        if self.modules.renamed(before.owner, after.owner):
            told = self.modules.is_told(before.owner, after.owner)
            if (told or _own_name(before) != _own_name(after)) and after.forward is after:
                yield Renamed("scope", str(before.scope), str(after.scope), told, before.scope)
        elif after.forward is after and after.outer is not None:
            gone, again = self.modules.gone(before.owner), self.modules.again(after.owner)
            alike = self.before.digests[before.number] == self.after.digests[after.number]
            bare = alike and not self.before.held(before)
            yield Called(after.outer.scope, before.owner, after.owner, gone, again, bare)

    def _loop(self, before: Body, after: Body) -> Iterator[Change]:
        """The parameters of a loop that came and went; those of a module that has another path now are the same."""
        left, right = tuple(map(self._parameter_now, parameters_of(before.record))), parameters_of(after.record)
        more, fewer = _without(right, left), _without(left, right)
        if not more and not fewer:
            return
        now = Counter(_looped(self.after.tree, after))
        was = Counter(map(self._parameter_now, _looped(self.before.tree, before)))
        came = tuple(name for name in more if now[name] > was[name])
        went = tuple(name for name in fewer if now[name] < was[name])
        known = {self._parameter_now(path): spec for path, spec in self.before.tree.leaves().items()}
        held = self.after.tree.leaves()
        with_model = bool(came or went) and known.keys().isdisjoint(came) and held.keys().isdisjoint(went)
        alike = with_model and Counter(map(known.get, went)) == Counter(map(held.get, came))
        yield LoopChanged(after.scope, came, went, with_model, alike, _without(fewer, went), _without(more, came))

    def _parameter_now(self, path: str) -> str:
        module, dot, name = path.rpartition(".")
        return self.matching.leaf_renames.get(path, f"{self.modules.now(module)}{dot}{name}".lstrip("."))

    def _untouched(self, before: Body, after: Body) -> bool:
        """Whether two module calls do the same work on corresponding inputs, so that nothing inside can differ."""
        if self.before.digests[before.number] != self.after.digests[after.number]:
            return False
        assert before.outer is not None
        assert after.outer is not None
        pairs = zip(before.inputs, after.inputs, strict=False)
        return len(before.inputs) == len(after.inputs) and all(
            self.matching.same_read(before.outer.read(left), after.outer.read(right)) for left, right in pairs
        )

    def _givens(self, before: Body, left: int, after: Body, right: int) -> Iterator[Change]:
        one, other = before.record.items[left], after.record.items[right]
        assert isinstance(one, Given)
        assert isinstance(other, Given)
        if one.kind == other.kind == "input" and one.name != other.name:
            yield Renamed("input", one.name, other.name, place=ScopePath(one.name))
        if one.spec != other.spec or one.kind != other.kind:
            fields = tuple(spec_fields(one.spec, other.spec))
            if one.kind != other.kind:
                fields = (Field("result", "origin", one.kind, other.kind), *fields)
            if fields:
                self.changed_looks.add((after.number, right))
                yield Altered(self._was(before, left), site_at(self.after, after, right), fields)

    def _operation(self, before: Body, left: int, after: Body, right: int) -> Iterator[Change]:
        if self._alike(before, left, after, right):
            return
        one, other = before.record.items[left], after.record.items[right]
        assert isinstance(one, (Work, Semantic))
        assert isinstance(other, (Work, Semantic))
        found = FieldComparison(self.matching, before, after).fields(one, other)
        fields = tuple(field for field in found if field.kind != "spelling") or found
        if not fields:
            return
        follows = self._follows(fields, before, left, after, right)
        if any(field.kind in LOOKS for field in fields):
            self.changed_looks.add((after.number, right))
        yield Altered(self._was(before, left), site_at(self.after, after, right), fields, follows)

    def _alike(self, before: Body, left: int, after: Body, right: int) -> bool:
        if self.before.plain[before.number][left] != self.after.plain[after.number][right]:
            return False
        items = self.before.items_read(before, left), self.after.items_read(after, right)
        if items[0] is not None and items[1] is not None:
            found = [self.matching.forward.get((before.number, item)) for item in items[0]]
            return found == [(after.number, item) for item in items[1]]
        reads = self.before.reads(before.number, left), self.after.reads(after.number, right)
        return len(reads[0]) == len(reads[1]) and all(map(self.matching.same_read, *reads))

    def _follows(self, fields: tuple[Field, ...], before: Body, left: int, after: Body, right: int) -> bool:
        """Whether the fields are looks only, handed on from an operand whose look had changed before.

        As many other elements of a value are nothing that an operand could hand on.
        """
        if any(field.kind not in LOOKS or is_shifted(field) for field in fields):
            return False
        pairs = zip(self.before.reads(before.number, left), self.after.reads(after.number, right), strict=False)
        for left_read, right_read in pairs:
            made = right_read.definition
            if isinstance(made, Made) and (made.body, made.item) in self.changed_looks:
                return True
            if isinstance(made, Own) and made.path in self.changed_leaves:
                return True
            rewired = not self.matching.same_value(left_read.definition, made)
            if rewired and read_spec(self.before.tree, left_read) != read_spec(self.after.tree, right_read):
                return True
        return False

    def _leaves(self, before: Body, after: Body) -> Iterator[Change]:
        if not isinstance(before.record, Block) or not isinstance(after.record, Block):
            return
        specs = dict(before.record.leaves)
        for path, spec in after.record.leaves:
            if path in specs and specs[path] != spec:
                self.changed_leaves.add(after.leaf_path(path))
                yield LeafChanged(after.scope, after.leaf_path(path), specs[path], spec)


def notable_in(body: Body | None) -> Iterator[tuple[Body, int]]:
    """The syncs and attention calls inside a module call that came or went, with where they stand."""
    if body is None or body.beneath is not None or isinstance(body.record, (PhaseBlock, ParameterLoop)):
        return
    for at, item in enumerate(body.record.items):
        attends = body.forward is body and packet_of(item.name) in ATTENTION | ATTENTION_CALLS
        if (isinstance(item, Work) and item.is_sync) or (isinstance(item, (Work, Semantic)) and attends):
            yield body, at
        if at in body.inner:
            yield from notable_in(body.inner[at])


def _maker(read: Read) -> Place:
    made = read.definition
    return (made.body, made.item) if isinstance(made, Made) else (-1, -1)


def _without(names: tuple[str, ...], others: Iterable[str]) -> tuple[str, ...]:
    left = set(others)
    return tuple(name for name in names if name not in left)


def _looped(tree: Tree, loop: Body) -> Iterator[str]:
    """The parameters of *loop* and of those beside it, each as often as there are loops for it."""
    for body in tree.bodies:
        if body.outer is loop.outer:
            yield from parameters_of(body.record)


def _own_name(body: Body) -> tuple[str, int]:
    assert isinstance(body.record, Block)
    return body.record.name, body.record.call


def operations_in(item: Item) -> int:
    """Number of dispatched operations that *item* stands for."""
    match item:
        case Work():
            return 1
        case Given():
            return 0
        case Block() | Semantic():
            return sum(1 for _ in operation_names(item))
