"""What the values of one body are to whoever reads them: dtype and strides, followed through every scope's edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice

from pytest_torchgraph.canonical.naming import value_names, wish
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Argument,
    Block,
    Given,
    Inner,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Outcome,
    PhaseBlock,
    Reference,
    Result,
    Saved,
    Semantic,
    Work,
)
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.reading import Base, base_of, read_through


class Values:
    """The values of one body, as far as it was written or read.

    ``inputs`` are what it takes from outside, ``leaves`` what its parameters are, ``made`` its items so far,
    ``inner`` the values of those items that have a body, ``outer`` the values of the body around a block. ``forward``
    are those of the forward call that the body stands for: itself outside of phases. ``places`` says of scopes whose
    exports stand in another order in the file where each of them is.
    """

    def __init__(
        self,
        inputs: tuple[Base | None, ...],
        leaves: dict[str, TensorSpec] | None = None,
        outer: Values | None = None,
    ) -> None:
        self.outer = outer
        self.forward: Values | None = self
        self.given_names: list[str] | None = None
        self.calls: dict[tuple[str, int], int] = {}
        self.inputs = inputs
        self.leaves: dict[str, TensorSpec] = {} if leaves is None else leaves
        self.made: list[Item] = []
        self.inner: dict[int, Values] = {}
        self.places: dict[int, tuple[int, ...]] = {}

    def add(self, item: Item, inner: Values | None = None) -> None:
        """Take in the next item of the body, and the values of its own body if it has one."""
        if inner is not None:
            self.inner[len(self.made)] = inner
            if isinstance(item, ModuleCall):
                self.calls[item.name, item.call] = len(self.made)
        self.made.append(item)

    def beneath(self, kind: type[AnyBlock], name: str, call: int) -> Values:
        """The values of a block that begins in this body, empty so far."""
        values = Values((), None, self)
        if kind is PhaseBlock:
            values.forward = self
        elif self.forward is not self:
            is_told = kind is ModuleCall and self.forward is not None
            at = self.forward.calls.get((name, call)) if is_told and self.forward else None
            values.forward = None if at is None or self.forward is None else self.forward.inner[at]
        return values

    def forward_body(self, up: int) -> Values:
        """The forward call that the block *up* blocks around this body stands for; raises ``ValueError``."""
        values: Values | None = self
        for _ in range(up):
            values = None if values is None else values.outer
        if values is None or values.forward is None:
            raise ValueError("no forward call stands for this block")
        return values.forward

    @cached_property
    def names(self) -> dict[str, int]:
        """Which item each name stands for, in their order; for bodies that are complete."""
        names = value_names(map(wish, self.made)) if self.given_names is None else self.given_names
        return {name: index for index, name in enumerate(names)}

    @cached_property
    def ordered_names(self) -> list[str]:
        """The name of each item; for bodies that are complete."""
        return list(self.names)

    def count(self, index: int) -> int:
        """How many values the item at *index* gives."""
        item = self.made[index]
        if isinstance(item, Given):
            return 1
        return len(item.exports) if isinstance(item, (Block, Semantic)) else sum(1 for _ in flat(item.outcomes))

    def place(self, index: int, told: int) -> int:
        """Where the value is among those of the item at *index* that the file tells as number *told*."""
        return self.places[index][told] if index in self.places else told

    def base(self, reference: Reference) -> Base | None:
        """What *reference* is, ``None`` where that is not known."""
        if isinstance(reference, Input):
            return self.inputs[reference.index] if reference.index < len(self.inputs) else None
        if isinstance(reference, Leaf):
            spec = self.leaves.get(reference.path)
            return base_of(spec) if spec else None
        if isinstance(reference, Saved):
            forward = self.forward_body(reference.up)
            inner = Inner(reference.steps, reference.position)
            return forward.base(inner if reference.steps else Input(reference.position))
        if isinstance(reference, Inner):
            *scopes, last = reference.steps
            return self.inside(scopes).base(Result(last, reference.position))
        return self._made(reference)

    def inside(self, steps: Iterable[int]) -> Values:
        """The values of the body that is reached through the items at *steps*."""
        values = self
        for step in steps:
            values = values.inner[step]
        return values

    def through(self, operand: Operand) -> Base | None:
        """What *operand* is, its reading included."""
        return read_through(self.base(operand.reference), operand.reading)

    def _made(self, result: Result) -> Base | None:
        item = self.made[result.item]
        if isinstance(item, Given):
            return base_of(item.spec)
        if isinstance(item, (Block, Semantic)):
            found = item.exports[result.position : result.position + 1]
            return self.inner[result.item].base(found[0]) if found else None
        return self._outcome(item, result.position)

    def _outcome(self, work: Work, position: int) -> Base | None:
        outcome = next(islice(flat(work.outcomes), position, None), None)
        if isinstance(outcome, TensorSpec):
            return base_of(outcome)
        return self.through(outcome) if isinstance(outcome, Operand) else None


def flat(arguments: tuple[Argument, ...] | tuple[Outcome, ...]) -> Iterator[Argument | Outcome]:
    """Everything among *arguments*, what stands in nested tuples included, in order."""
    for argument in arguments:
        if isinstance(argument, tuple):
            yield from flat(argument)
        else:
            yield argument


def semantic_inputs(arguments: tuple[Argument, ...], keywords: tuple[tuple[str, Argument], ...]) -> list[Operand]:
    """The tensors among the arguments of an API call: its inputs, as its own items count them."""
    operands: list[Operand] = []
    for value in arguments:
        _collect(value, operands)
    for _, value in keywords:
        _collect(value, operands)
    return operands


def _collect(value: Argument, operands: list[Operand]) -> None:
    if isinstance(value, Operand):
        operands.append(value)
    elif isinstance(value, tuple):
        for part in value:
            _collect(part, operands)
