"""Work that is done for each parameter, written once with the parameter as a symbol.

In an optimizer's step, and in what clips or unscales gradients, most operations read one parameter, its gradient and
its state; others (``foreach``, fused) take lists that have one tensor for each parameter. Both become blocks whose
leaves are ``parameter``, ``grad``, ``exp_avg``: the first kind ran its items once for each of the parameters, the
second once for all. Parameters are sorted: what is done to one does not depend on another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from pytest_torchgraph.graph.program import (
    EVERY_PARAMETER,
    Argument,
    Block,
    Every,
    Given,
    Input,
    Item,
    Leaf,
    Operand,
    Outcome,
    Result,
    Work,
    exact_item,
)
from pytest_torchgraph.graph.reading import canonical_spec, read, reading_of
from pytest_torchgraph.graph.tensor import LIKE_PARAMETER, Geometry, TensorSpec

OWN = "parameter"
LIKE = (LIKE_PARAMETER,)
Specs: TypeAlias = "dict[str, TensorSpec]"


class NotUniform(Exception):
    """The operations cannot be told with a symbol for the parameter."""


def owner_of(path: str, parameters: Specs) -> tuple[str, str] | None:
    """The parameter that a leaf belongs to and what it is to it; ``None`` for a leaf of another kind."""
    if path in parameters:
        return path, OWN
    owner, _, key = path.rpartition(".")
    return (owner, key) if owner in parameters and key.isidentifier() and key != OWN else None


def natural(path: str) -> tuple[tuple[int, int | str], ...]:
    """A sorting key in which ``layers.10`` comes after ``layers.9``."""
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", path) if part)


@dataclass(slots=True)
class Stretch:
    """Consecutive items of one kind: ``each``, ``all``, or ``""`` for others."""

    kind: str
    places: list[int]


def gathered(block: Block, parameters: Specs) -> Block:
    """*block*, the body of a phase, with its work for each parameter gathered; *parameters* are those of the model."""
    if len(parameters) < 2 or not all(isinstance(item, (Work, Given)) for item in block.items):
        return block
    return Gathering(block, parameters).run()


class Gathering:
    """Gathers one phase."""

    def __init__(self, block: Block, parameters: Specs) -> None:
        self.block = block
        self.works = [item for item in block.items if isinstance(item, (Work, Given))]
        self.leaves = dict(block.leaves)
        self.parameters = parameters
        self.owners: list[tuple[str, tuple[str, ...]]] = []
        for place in range(len(self.works)):
            self.owners.append(self._owners(place))
        self._share()
        self.items: list[Item] = []
        self.moved: dict[int, Result] = {}
        self.numbers = {"each": 0, "all": 0}

    def run(self) -> Block:
        """The block with what could be gathered."""
        for stretch in self._stretches():
            if stretch.kind:
                try:
                    self._gather(stretch)
                except NotUniform:
                    self._keep(stretch)
            else:
                self._keep(stretch)
        if not any(self.numbers.values()):
            return self.block
        items = tuple(self.items)
        exports = tuple(self._result(one) for one in self.block.exports)
        used = {one.reference.path for item in items for one in operands_in(item) if isinstance(one.reference, Leaf)}
        leaves = tuple((path, spec) for path, spec in self.block.leaves if path in used)
        return replace(self.block, items=items, exports=exports, leaves=leaves)

    # Which parameter an operation is done for.

    def _owners(self, place: int) -> tuple[str, tuple[str, ...]]:
        """Kind and parameters of one operation."""
        work = self.works[place]
        if isinstance(work, Given):
            return ("", ())
        lists = [value for value in work.arguments if isinstance(value, tuple) and is_list_of_tensors(value)]
        if lists:
            found = {tuple(self._owner_of(one) for one in values) for values in lists}
            owners = found.pop() if len(found) == 1 else ()
            plain = [one for one in owners if one is not None]
            is_whole = len(plain) == len(owners) == len(set(plain)) >= 2
            return ("all", tuple(plain)) if is_whole else ("", ())
        found_one = {self._owner_of(one) for one in operands_in(work)} | {self._named(path) for _, path in work.becomes}
        own = [one for one in found_one if one is not None]
        return ("each", (own[0],)) if len(own) == 1 else ("", ())

    def _share(self) -> None:
        """Give each parameter what is done alike before its work and returns nothing, such as a sync in a loop."""
        everyone = {owners[0] for kind, owners in self.owners if kind == "each"}
        alike: dict[object, list[tuple[int, str]]] = {}
        owner: str | None = None
        for place in reversed(range(len(self.works))):
            (kind, owners), work = self.owners[place], self.works[place]
            if kind:
                owner = owners[0] if kind == "each" else None
            elif owner is not None and isinstance(work, Work) and not work.outcomes:
                alike.setdefault(exact_item(work), []).append((place, owner))
        for places in alike.values():
            times = Counter(owner for _, owner in places)
            if len(everyone) > 1 and set(times) == everyone and len(set(times.values())) == 1:
                for place, owner in places:
                    self.owners[place] = ("each", (owner,))

    def _owner_of(self, operand: Argument) -> str | None:
        if not isinstance(operand, Operand):
            return None
        if isinstance(operand.reference, Leaf):
            return self._named(operand.reference.path)
        if isinstance(operand.reference, Result) and operand.reference.item < len(self.owners):
            kind, owners = self.owners[operand.reference.item]
            if kind == "each":
                return owners[0]
            if kind == "all" and operand.reference.position < len(owners) == self._count(operand.reference.item):
                return owners[operand.reference.position]
        return None

    def _named(self, path: str) -> str | None:
        found = owner_of(path, self.parameters)
        return found[0] if found else None

    def _count(self, place: int) -> int:
        work = self.works[place]
        return 1 if isinstance(work, Given) else sum(1 for _ in flat(work.outcomes))

    def _stretches(self) -> Iterator[Stretch]:
        current: Stretch | None = None
        for place, (kind, owners) in enumerate(self.owners):
            same_list = current is not None and (kind != "all" or owners == self.owners[current.places[-1]][1])
            if current is not None and current.kind == kind and same_list:
                current.places.append(place)
                continue
            if current is not None:
                yield current
            current = Stretch(kind, [place])
        if current is not None:
            yield current

    # Items as they are.

    def _keep(self, stretch: Stretch) -> None:
        for place in stretch.places:
            self.moved[place] = Result(len(self.items))
            work = self.works[place]
            self.items.append(work if isinstance(work, Given) else self._kept(work))

    def _kept(self, work: Work) -> Work:
        return replace(
            work,
            arguments=tuple(self._argument(one) for one in work.arguments),
            keywords=tuple((name, self._argument(one)) for name, one in work.keywords),
            outcomes=tuple(self._outcome(one) for one in work.outcomes),
        )

    def _argument(self, value: Argument) -> Argument:
        if isinstance(value, Operand) and isinstance(value.reference, Result):
            return replace(value, reference=self._result(value.reference))
        return tuple(self._argument(one) for one in value) if isinstance(value, tuple) else value

    def _outcome(self, value: Outcome) -> Outcome:
        if isinstance(value, Operand) and isinstance(value.reference, Result):
            return replace(value, reference=self._result(value.reference))
        return tuple(self._outcome(one) for one in value) if isinstance(value, tuple) else value

    def _result(self, result: Result) -> Result:
        moved = self.moved[result.item]
        if moved.position:  # the export of a gathered block
            if result.position:
                raise NotUniform
            return Result(moved.item, moved.position - 1)
        return Result(moved.item, result.position)

    # Items with a symbol for the parameter.

    def _gather(self, stretch: Stretch) -> None:
        blocks = list(self._each(stretch) if stretch.kind == "each" else self._all(stretch))
        read = self._read_later(stretch)
        if read and (stretch.kind == "each" or len(blocks) != 1):
            raise NotUniform
        for block in blocks:
            self.numbers[block.name] += 1
            exports = tuple(Result(stretch.places.index(place)) for place in read)
            for position, place in enumerate(read):
                self.moved[place] = Result(len(self.items), position + 1)
            self.items.append(replace(block, call=self.numbers[block.name], exports=exports))

    def _read_later(self, stretch: Stretch) -> list[int]:
        inside = set(stretch.places)
        later = [work for place, work in enumerate(self.works) if place > stretch.places[-1]]
        read = {
            one.reference.item
            for work in later
            for one in operands_in(work)
            if isinstance(one.reference, Result) and one.reference.item in inside
        }
        read |= {one.item for one in self.block.exports if one.item in inside}
        if any(self._count(place) != 1 for place in read):
            raise NotUniform
        return sorted(read)

    def _each(self, stretch: Stretch) -> Iterator[Block]:
        programs: dict[str, list[int]] = {}
        for place in stretch.places:
            programs.setdefault(self.owners[place][1][0], []).append(place)
        groups: dict[object, tuple[Block, list[str]]] = {}
        for owner in sorted(programs, key=natural):
            block = Symbols(self, (owner,), programs[owner]).block("each")
            key = exact_item(replace(block, parameters=()))
            groups.setdefault(key, (block, []))[1].append(owner)
        for block, owners in groups.values():
            yield replace(block, parameters=tuple(owners))

    def _all(self, stretch: Stretch) -> Iterator[Block]:
        owners = self.owners[stretch.places[0]][1]
        yield Symbols(self, owners, stretch.places).block("all")


class Symbols:
    """Tells operations that are done for *owners* with symbols in place of their names."""

    def __init__(self, gathering: Gathering, owners: tuple[str, ...], places: list[int]) -> None:
        self.gathering = gathering
        self.owners = owners
        self.places = {place: index for index, place in enumerate(places)}
        self.bases: Specs = {}
        self.inputs: list[Operand] = []

    def block(self, name: str) -> Block:
        """The body with symbols; raises :class:`NotUniform` where it has none."""
        works = [work for place in self.places if isinstance(work := self.gathering.works[place], Work)]
        items = tuple(self._work(work, together=name == "all") for work in works)
        ordered = tuple(sorted(self.owners, key=natural))
        leaves = tuple(self.bases.items())
        return Block(name, 1, "", tuple(self.inputs), leaves, items, (), EVERY_PARAMETER, ordered)

    def _work(self, work: Work, *, together: bool) -> Work:
        return replace(
            work,
            arguments=tuple(self._argument(one, together=together) for one in work.arguments),
            keywords=tuple((name, self._argument(one, together=together)) for name, one in work.keywords),
            outcomes=self._outcomes(work, together=together),
            becomes=self._becomes(work, together=together),
        )

    def _argument(self, value: Argument, *, together: bool) -> Argument:
        if isinstance(value, Operand):
            return self._operand(value, self.owners[0])
        if not isinstance(value, tuple):
            return value
        if together and len(value) == len(self.owners):
            found = [
                self._operand(one, owner) if isinstance(one, Operand) else one
                for one, owner in zip(value, self.owners, strict=True)
            ]
            if len(set(map(repr, found))) == 1:
                return Every((found[0],))
            raise NotUniform
        return tuple(self._argument(one, together=together) for one in value)

    def _operand(self, operand: Operand, owner: str) -> Operand:
        reference = operand.reference
        if isinstance(reference, Result) and operand.reading is not None:
            raise NotUniform
        if isinstance(reference, Result) and reference.item in self.places:
            position = reference.position
            if len(self.owners) > 1 and self.gathering._count(reference.item) == len(self.owners):  # noqa: SLF001
                if position != self.owners.index(owner):
                    raise NotUniform
                position = 0
            return Operand(Result(self.places[reference.item], position), operand.reading)
        if isinstance(reference, Result):
            return self._input(Operand(self.gathering._result(reference)), operand)  # noqa: SLF001
        if not isinstance(reference, Leaf):
            raise NotUniform
        found = owner_of(reference.path, self.gathering.parameters)
        if found is None or found[0] != owner:
            raise NotUniform
        return self._leaf(found[1], read(self.gathering.leaves[reference.path], operand.reading), owner)

    def _input(self, outer: Operand, operand: Operand) -> Operand:
        if outer not in self.inputs:
            self.inputs.append(outer)
        return Operand(Input(self.inputs.index(outer)), operand.reading)

    def _leaf(self, key: str, spec: TensorSpec, owner: str) -> Operand:
        like = self._like(spec, owner)
        base = self.bases.setdefault(key, like)
        if like == base:
            return Operand(Leaf(key))
        if LIKE_PARAMETER in (*like.shape, *base.shape):
            raise NotUniform
        return Operand(Leaf(key), reading_of(spec, base))

    def _like(self, spec: TensorSpec, owner: str) -> TensorSpec:
        """*spec*, with a symbol for the sizes where they are those of the parameter."""
        own, whole = canonical_spec(self.gathering.parameters[owner]), canonical_spec(spec)
        if spec.geometry is not None and spec.geometry.offset:
            raise NotUniform
        if own.geometry is not None and replace(own, dtype=whole.dtype) == whole and own.shape:
            return replace(whole, shape=LIKE, geometry=Geometry(LIKE, (1,)))
        return whole

    def _outcomes(self, work: Work, *, together: bool) -> tuple[Outcome, ...]:
        found = list(flat(work.outcomes))
        if together and len(found) == len(self.owners):
            told = [self._outcome(one, owner) for one, owner in zip(found, self.owners, strict=True)]
            if any(one != told[0] for one in told):
                raise NotUniform
            return (Every((told[0],)),)
        if together and len(found) > 1:
            raise NotUniform
        return (
            tuple(self._outcome(one, self.owners[0]) for one in found)
            if together
            else tuple(self._outcome(one, self.owners[0]) for one in work.outcomes)
        )

    def _outcome(self, outcome: Outcome, owner: str) -> Outcome:
        if isinstance(outcome, TensorSpec):
            return self._like(outcome, owner)
        if isinstance(outcome, Operand):
            return self._operand(outcome, owner)
        if isinstance(outcome, tuple):
            raise NotUniform
        return outcome

    def _becomes(self, work: Work, *, together: bool) -> tuple[tuple[int, str], ...]:
        found: dict[tuple[int, str], None] = {}
        for position, path in work.becomes:
            told = owner_of(path, self.gathering.parameters)
            if told is None or (together and self.owners[position] != told[0]):
                raise NotUniform
            found[(0 if together else position), told[1]] = None
        if together and found and len(work.becomes) != len(self.owners):
            raise NotUniform
        return tuple(found)


def is_list_of_tensors(values: tuple[Argument, ...]) -> bool:
    """Whether *values* is a list of several tensors."""
    return len(values) > 1 and all(isinstance(one, Operand) for one in values)


def flat(outcomes: tuple[Outcome, ...]) -> Iterator[Outcome]:
    """Every outcome, nested ones in order."""
    for one in outcomes:
        if isinstance(one, tuple):
            yield from flat(one)
        else:
            yield one


def operands_in(item: Item) -> Iterator[Operand]:
    """Every operand of an operation, or that a block takes."""
    if isinstance(item, Block):
        yield from item.inputs
    elif isinstance(item, Work):
        for value in (*item.arguments, *(one for _, one in item.keywords), *item.outcomes):
            yield from _operands(value)


def _operands(value: Argument | Outcome) -> Iterator[Operand]:
    if isinstance(value, Operand):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _operands(one)
