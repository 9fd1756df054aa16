"""Work that is done for each parameter, written once with the parameter as a symbol.

In an optimizer's step, and in what clips or unscales gradients, most operations read one parameter, its gradient and
its state; others (``foreach``, fused) take lists that have one tensor for each parameter. Both become blocks whose
leaves are ``parameter``, ``grad``, ``exp_avg``: the first kind ran its items once for each of the parameters, the
second once for all. Parameters are sorted: what is done to one does not depend on another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pytest_torchgraph.canonical.operands import map_operands, operands_of
from pytest_torchgraph.canonical.ownership import Ownership, Specs, natural
from pytest_torchgraph.canonical.program import (
    Given,
    Item,
    Leaf,
    Operand,
    ParameterLoop,
    PhaseBlock,
    Result,
    Work,
    exact_item,
)
from pytest_torchgraph.canonical.row import NotAlike
from pytest_torchgraph.canonical.symbols import NotUniform, Symbols
from pytest_torchgraph.quick import dataclass


@dataclass(slots=True)
class Stretch:
    """Consecutive items of one kind: ``each``, ``all``, or ``""`` for others."""

    kind: str
    places: list[int]


@dataclass(frozen=True, slots=True)
class Alike:
    """Parameters for which a step does the same as for another: ``like`` names that one for each of them.

    Only what is done for that one is among the items of the step, which are from the operations ``within``.
    """

    within: range
    like: Mapping[str, str]

    def is_of(self, block: PhaseBlock) -> bool:
        """Whether *block* is the step."""
        return any(isinstance(item, Work) and item.source in self.within for item in block.items)


NOTHING_ALIKE = Alike(range(0), {})


def gathered(block: PhaseBlock, parameters: Specs, alike: Alike = NOTHING_ALIKE) -> PhaseBlock:
    """*block*, the body of a phase, with its work for each parameter gathered; *parameters* are those of the model.

    Raises :class:`~pytest_torchgraph.canonical.row.NotAlike` where what is *alike* cannot be gathered.
    """
    if len(parameters) < 2 or not all(isinstance(item, (Work, Given)) for item in block.items):
        if alike.like:
            raise NotAlike
        return block
    return Gathering(block, parameters, alike.like).run()


class Gathering:
    """Gathers one phase; *like* tells of parameters that have no items of their own those of which stand for theirs."""

    def __init__(self, block: PhaseBlock, parameters: Specs, like: Mapping[str, str]) -> None:
        self.block = block
        self.ownership = Ownership(block, parameters)
        self.like = like
        if like and not (like.keys() <= parameters.keys() and {kind for kind, _ in self.ownership.owners} == {"each"}):
            raise NotAlike
        self.items: list[Item] = []
        self.moved: dict[int, Result] = {}
        self.numbers = {"each": 0, "all": 0}
        works = self.ownership.works
        self.last_read = {place: reader for reader, work in enumerate(works) for place in places_read(work)}
        self.last_read |= {one.item: len(works) for one in block.exports}

    def run(self) -> PhaseBlock:
        """The block with what could be gathered."""
        for stretch in self._stretches():
            if stretch.kind:
                try:
                    self._gather(stretch)
                except NotUniform:
                    if self.like:
                        raise NotAlike from None
                    self._keep(stretch)
            else:
                self._keep(stretch)
        if not any(self.numbers.values()):
            return self.block
        items = tuple(self.items)
        exports = tuple(self._result(one) for one in self.block.exports)
        used = {one.reference.path for item in items for one in operands_of(item) if isinstance(one.reference, Leaf)}
        leaves = tuple((path, spec) for path, spec in self.block.leaves if path in used)
        return replace(self.block, items=items, exports=exports, leaves=leaves)

    def _stretches(self) -> Iterator[Stretch]:
        current: Stretch | None = None
        every = self.ownership.owners
        for place, (kind, owners) in enumerate(every):
            same_list = current is not None and (kind != "all" or owners == every[current.places[-1]][1])
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
            work = self.ownership.works[place]
            self.items.append(work if isinstance(work, Given) else map_operands(work, self._operand))

    def _operand(self, operand: Operand) -> Operand:
        if not isinstance(operand.reference, Result):
            return operand
        return replace(operand, reference=self._result(operand.reference))

    def _result(self, result: Result) -> Result:
        moved = self.moved[result.item]
        if moved.position:  # the export of a gathered block, the only value of its operation
            return Result(moved.item, moved.position - 1)
        return Result(moved.item, result.position)

    # Items with a symbol for the parameter.

    def _gather(self, stretch: Stretch) -> None:
        blocks, alone = self._each(stretch) if stretch.kind == "each" else (list(self._all(stretch)), [])
        left = set(alone)
        stretch = Stretch(stretch.kind, [place for place in stretch.places if place not in left])
        read = self._read_later(stretch)
        if not blocks or (read and (stretch.kind == "each" or len(blocks) != 1)):
            raise NotUniform
        for block in blocks:
            self.numbers[block.name] += 1
            exports = tuple(Result(stretch.places.index(place)) for place in read)
            for position, place in enumerate(read):
                self.moved[place] = Result(len(self.items), position + 1)
            self.items.append(replace(block, call=self.numbers[block.name], exports=exports))
        self._keep(Stretch("", alone))

    def _read_later(self, stretch: Stretch) -> list[int]:
        end = max(stretch.places, default=0)
        read = [place for place in sorted(stretch.places) if self.last_read.get(place, end) > end]
        if any(self.ownership.count(place) != 1 for place in read):
            raise NotUniform
        return read

    def _each(self, stretch: Stretch) -> tuple[list[ParameterLoop], list[int]]:
        """A block for all parameters of which the same is done, and the places of work that has no symbols."""
        programs: dict[str, list[int]] = {}
        for place in stretch.places:
            programs.setdefault(self.ownership.owners[place][1][0], []).append(place)
        told = {owner: self._program(owner, places) for owner, places in programs.items()}
        groups: dict[object, tuple[ParameterLoop, list[str]]] = {}
        alone: list[int] = []
        for owner in sorted({*programs, *self.like}, key=natural):
            found = told[self.like.get(owner, owner)]
            if found is not None:
                key, block = found
                groups.setdefault(key, (block, []))[1].append(owner)
            elif self.like:
                raise NotAlike
            else:
                alone += programs[owner]
        return [replace(block, parameters=tuple(owners)) for block, owners in groups.values()], sorted(alone)

    def _program(self, owner: str, places: list[int]) -> tuple[object, ParameterLoop] | None:
        """What is done for one parameter, and what it has to equal to be done for others, too."""
        try:
            block = Symbols(self.ownership, self._result, (owner,), places).loop("each")
        except NotUniform:
            return None
        return exact_item(replace(block, parameters=())), block

    def _all(self, stretch: Stretch) -> Iterator[ParameterLoop]:
        owners = self.ownership.owners[stretch.places[0]][1]
        yield Symbols(self.ownership, self._result, owners, stretch.places).loop("all")


def places_read(work: Item) -> Iterator[int]:
    """Where the operations stand in their body whose results *work* reads."""
    return (one.reference.item for one in operands_of(work) if isinstance(one.reference, Result))
