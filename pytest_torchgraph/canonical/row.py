"""Module calls in a row that do the same: two of them are worked out, and written down for all.

The second call of a row takes what the first one made, as each later one does from the call before it. So it stands for
all that follow, and what reads the values of the last one is told to read those of the second, as long as bodies are
built; here all calls are put in their places. Where that might not be what building them one by one yields,
:class:`NotAlike` is raised, and they are built one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from pytest_torchgraph.canonical.operands import map_operands
from pytest_torchgraph.canonical.program import (
    Block,
    CalledBlock,
    Given,
    Inner,
    Item,
    ModuleCall,
    Operand,
    PhaseBlock,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.scope_tree import Node
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.closed import assert_never

Body = TypeVar("Body", bound="PhaseBlock | CalledBlock")


class NotAlike(Exception):
    """The calls of a row hand out different values, or do not stand side by side."""


@dataclass(frozen=True, slots=True)
class Row:
    """The scopes of a row's ``first`` and ``second`` call, and the ``paths`` of the modules that are called later.

    In the forward pass, or in the ``phase`` of that number, in which these calls come in another order.
    """

    first: int
    second: int
    paths: tuple[str, ...]
    phase: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A row in the body of a node: raises :class:`NotAlike` where the two calls are no neighbours in it.

    Or, in a phase, where they do not stand for the forward calls.
    """

    first: Node
    second: Node
    paths: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.first.parent is not self.second.parent or self.first.position != self.at - 1:
            raise NotAlike
        if self.second.forward is None or self.first.forward is None:
            raise NotAlike

    @property
    def at(self) -> int:
        """The position of the call that stands for others."""
        return self.second.position


class Rows:
    """The rows of one graph, by the body in which they stand."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        self._within: dict[int, list[Placed]] = {}
        self._standing: set[int] = set()
        for row in sorted(placed, key=lambda one: one.at):
            self._within.setdefault(id(row.first.parent), []).append(row)
            self._standing.add(id(row.second))

    def position(self, node: Node, position: int) -> int:
        """Where the item at *position* of *node*, or of the last call of its row, comes to stand."""
        rows = self._within.get(id(node), ())
        return position + sum(len(row.paths) for row in rows if row.at <= position)

    def leave(self, node: Node) -> None:
        """Raise :class:`NotAlike` where *node* stands for others: a forward value is told from further out than it."""
        if id(node) in self._standing:
            raise NotAlike

    def place(self, node: Node) -> int:
        """Where *node* itself comes to stand in the body around it."""
        return node.position if node.parent is None else self.position(node.parent, node.position)

    def steps(self, inner: Inner, root: Node) -> Inner:
        """*inner* as it is told when all calls are in their places."""
        steps: list[int] = []
        node: Any = root
        for step in inner.steps:
            steps.append(self.position(node, step))
            node = node.items[step]
        return Inner(tuple(steps), inner.position)

    def moved(self, operand: Operand, node: Node) -> Operand:
        """*operand*, told in the body of *node*, as it is told when all calls are in their places."""
        reference = operand.reference
        if not isinstance(reference, Result):
            return operand
        place = self.position(node, reference.item)
        return operand if place == reference.item else Operand(Result(place, reference.position), operand.reading)

    def written_out(self, block: Body, node: Node) -> Body:
        """*block*, the body of *node*, with every call in its place."""
        rows = self._within.get(id(node))
        if not rows:
            return block
        items: list[Item] = []
        by_place = {row.at: row for row in rows}
        for place, item in enumerate(block.items):
            items.append(self._moved(item, node))
            if place in by_place:
                items += self._copies(by_place[place], block, node)
        exports = tuple([Result(self.position(node, one.item), one.position) for one in block.exports])
        return replace(block, items=tuple(items), exports=exports)

    def _moved(self, item: Item, node: Node) -> Item:
        match item:
            case Work():
                return map_operands(item, partial(self.moved, node=node))
            case Semantic():
                return map_operands(item, partial(self.moved, node=node))
            case Block():
                return replace(item, inputs=tuple([self.moved(operand, node) for operand in item.inputs]))
            case Given():
                return item
            case _:
                assert_never(item)

    def _copies(self, row: Placed, block: PhaseBlock | CalledBlock, node: Node) -> Iterable[Item]:
        """The calls that the second one stands for: each takes from the one before it what that one takes."""
        first, second = block.items[row.at - 1], block.items[row.at]
        if not (isinstance(first, ModuleCall) and isinstance(second, ModuleCall)) or first.exports != second.exports:
            raise NotAlike
        found = (result_at(row.at - 1, one) for one in second.inputs)
        taken = {result.position for result in found if result is not None}
        if taken != set(range(len(second.exports))) or first.call != 1 or second.call != 1:
            raise NotAlike
        before = self.position(node, row.at - 1)
        for number, path in enumerate(row.paths, 1):
            inputs = tuple([self._input(one, row, before + number, node) for one in second.inputs])
            yield replace(second, name=node.relative(path), inputs=inputs)

    def _input(self, operand: Operand, row: Placed, before: int, node: Node) -> Operand:
        """*operand* of the second call, as that of the call right after the one at *before* takes it."""
        result = result_at(row.at - 1, operand)
        if result is None:
            return self.moved(operand, node)
        return Operand(Result(before, result.position), operand.reading)


def result_at(place: int, operand: Operand) -> Result | None:
    """Which result of the item at *place* an *operand* reads, if it does."""
    reference = operand.reference
    return reference if isinstance(reference, Result) and reference.item == place else None
