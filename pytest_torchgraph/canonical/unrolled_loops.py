"""The inverse of gathering: work that is written once for all parameters, operation by operation again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_torchgraph.canonical.cursor import module_path
from pytest_torchgraph.canonical.operands import flat, map_operands
from pytest_torchgraph.canonical.ownership import OWN, Specs
from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    Argument,
    Block,
    Every,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Outcome,
    ParameterLoop,
    PhaseBlock,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.reading import read, reading_of
from pytest_torchgraph.canonical.symbols import LIKE
from pytest_torchgraph.recorded.tensor import TensorSpec


def scattered(root: ModuleCall) -> ModuleCall:
    """*root* with every loop over parameters in its phases written out."""
    if not any(isinstance(item, PhaseBlock) and has_loops(item) for item in root.items):
        return root
    known: Specs = dict(root.leaves)
    for path, spec in known_leaves(root.items, ("",)):
        known.setdefault(path, spec)
    return replace(
        root,
        items=tuple(
            Scattering(item, known).run() if isinstance(item, PhaseBlock) and has_loops(item) else item
            for item in root.items
        ),
    )


def has_loops(block: PhaseBlock) -> bool:
    """Whether a phase has a loop over parameters."""
    return any(isinstance(item, ParameterLoop) for item in block.items)


def known_leaves(items: tuple[Item, ...], around: tuple[str, ...]) -> Iterator[tuple[str, TensorSpec]]:
    """Every leaf by its full path, as it was first seen; *around* are the paths of the module calls around *items*."""
    for item in items:
        if isinstance(item, Block) and not isinstance(item, ParameterLoop):
            within = (module_path(item, around), *around)
            yield from ((absolute(name, within), spec) for name, spec in item.leaves)
            yield from known_leaves(item.items, within)
        elif isinstance(item, Work):
            outcomes = list(flat(item.outcomes))
            for position, name in item.becomes:
                made = outcomes[position]
                if isinstance(made, TensorSpec):
                    yield absolute(name, around), made


class Scattering:
    """Writes out the loops of one phase, whose leaves are named from the root."""

    def __init__(self, block: PhaseBlock, known: Specs) -> None:
        self.block = block
        self.known = dict(known)
        self.leaves: Specs = dict(block.leaves)
        self.items: list[Item] = []
        self.moved: dict[tuple[int, int], Result] = {}

    def run(self) -> PhaseBlock:
        """The phase without loops."""
        for place, item in enumerate(self.block.items):
            if isinstance(item, ParameterLoop):
                self._loop(place, item)
            else:
                self._plain(place, item)
        exports = tuple(self._result(one) for one in self.block.exports)
        return replace(self.block, items=tuple(self.items), leaves=tuple(self.leaves.items()), exports=exports)

    def _plain(self, place: int, item: Item) -> None:
        count = len(list(flat(item.outcomes))) if isinstance(item, Work) else 1
        for position in range(max(count, 1)):
            self.moved[place, position] = Result(len(self.items), position)
        self.items.append(self._moved(item))

    def _moved(self, item: Item) -> Item:
        if isinstance(item, Work):
            return map_operands(item, self.operand)
        if isinstance(item, (Block, Semantic)):
            raise TypeError("a phase with a loop over parameters holds single operations beside it")
        return item

    def operand(self, operand: Operand) -> Operand:
        """*operand* as it is written where loops are written out."""
        if not isinstance(operand.reference, Result):
            return operand
        return replace(operand, reference=self._result(operand.reference))

    def _result(self, result: Result) -> Result:
        return self.moved[result.item, result.position]

    def _loop(self, place: int, loop: ParameterLoop) -> None:
        rounds = [(one,) for one in loop.parameters] if loop.name == "each" else [loop.parameters]
        for owners in rounds:
            turn = Turn(self, loop, owners)
            for item in loop.items:
                if isinstance(item, Work):
                    turn.add(item)
            for position, result in enumerate(loop.exports):
                self.moved[place, position] = Result(turn.start + result.item, result.position)


class Turn:
    """The items of a loop for one parameter, or for all of them at once."""

    def __init__(self, phase: Scattering, loop: ParameterLoop, owners: tuple[str, ...]) -> None:
        self.phase = phase
        self.loop = loop
        self.owners = owners
        self.bases = dict(loop.leaves)
        self.start = len(phase.items)
        self.lists: set[int] = set()

    def add(self, work: Work) -> None:
        """Write out one operation."""
        if any(isinstance(one, Every) for one in work.outcomes):
            self.lists.add(len(self.phase.items) - self.start)
        outcomes = tuple(made for one in work.outcomes for made in self._outcomes(one))
        becomes = tuple(self._becomes(work))
        self.phase.items.append(
            replace(
                work,
                arguments=tuple(map(self._argument, work.arguments)),
                keywords=tuple((name, self._argument(value)) for name, value in work.keywords),
                outcomes=outcomes,
                becomes=becomes,
            )
        )
        made = list(flat(outcomes))
        for position, path in becomes:
            outcome = made[position]
            if isinstance(outcome, TensorSpec):
                self.phase.known.setdefault(path, outcome)
                self.phase.leaves.setdefault(path, outcome)

    def _becomes(self, work: Work) -> Iterator[tuple[int, str]]:
        for position, key in work.becomes:
            if len(self.owners) == 1:
                yield position, leaf_of(self.owners[0], key)
            else:
                yield from ((place, leaf_of(owner, key)) for place, owner in enumerate(self.owners))

    def _argument(self, value: Argument) -> Argument:
        if isinstance(value, Every):
            part = value[0]
            if not isinstance(part, Operand):
                return tuple(part for _ in self.owners)
            return tuple(self._operand(part, owner) for owner in self.owners)
        if isinstance(value, Operand):
            return self._operand(value, self.owners[0])
        return tuple(map(self._argument, value)) if isinstance(value, tuple) else value

    def _outcomes(self, outcome: Outcome) -> Iterator[Outcome]:
        if isinstance(outcome, Every):
            yield from (self._outcome(outcome[0], owner) for owner in self.owners)
        else:
            yield self._outcome(outcome, self.owners[0])

    def _outcome(self, outcome: Outcome, owner: str) -> Outcome:
        if isinstance(outcome, TensorSpec):
            return self._spec(outcome, owner)
        return self._operand(outcome, owner) if isinstance(outcome, Operand) else outcome

    def _operand(self, operand: Operand, owner: str) -> Operand:
        reference = operand.reference
        if isinstance(reference, Input):
            outer = self.loop.inputs[reference.index]
            return replace(self.phase.operand(outer), reading=operand.reading)
        if isinstance(reference, Result):
            position = self.owners.index(owner) if reference.item in self.lists else reference.position
            return replace(operand, reference=Result(self.start + reference.item, position))
        assert isinstance(reference, Leaf)
        path = leaf_of(owner, reference.path)
        spec = read(self._spec(self.bases[reference.path], owner), operand.reading)
        whole = self.phase.known.setdefault(path, spec)
        self.phase.leaves.setdefault(path, whole)
        return Operand(Leaf(path), reading_of(spec, whole))

    def _spec(self, spec: TensorSpec, owner: str) -> TensorSpec:
        """*spec* with the sizes of the parameter; as it is where nothing in the file tells them."""
        if spec.shape != LIKE:
            return spec
        own = self.phase.known.get(owner)
        return spec if own is None else replace(spec, shape=own.shape, geometry=own.geometry)


def leaf_of(owner: str, key: str) -> str:
    """The full path of what a loop calls *key* for the parameter *owner*."""
    return owner if key == OWN else f"{owner}.{key}"
