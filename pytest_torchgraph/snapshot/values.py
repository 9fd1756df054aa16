"""What the values of one body are to whoever reads them: dtype and strides, followed through every scope's edge."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import islice

from pytest_torchgraph.canonical.cursor import Cursor
from pytest_torchgraph.canonical.naming import value_names, wish
from pytest_torchgraph.canonical.operands import flat
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Given,
    Item,
    Operand,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.parameters import with_gradients
from pytest_torchgraph.snapshot.reading import Base, base_of, read_through


class Values(Cursor["Base | None"]):
    """The values of one body, as far as it was written or read; what is not known of one is ``None``.

    ``inputs`` are what it takes from outside, ``leaves`` what its parameters are, ``made`` its items so far. ``places``
    says of scopes whose exports stand in another order in the file where each of them is.
    """

    def __init__(
        self,
        inputs: tuple[Base | None, ...],
        leaves: dict[str, TensorSpec] | None = None,
        outer: Values | None = None,
    ) -> None:
        super().__init__(outer)
        self.given_names: list[str] | None = None
        self.inputs = inputs
        self.leaves: dict[str, TensorSpec] = {} if leaves is None else leaves
        self.made: list[Item] = []
        self.places: dict[int, tuple[int, ...]] = {}
        self._trained: set[str] = set()
        self._looked_at = 0

    def begin(self, inputs: tuple[Base | None, ...], leaves: dict[str, TensorSpec]) -> None:
        """Begin with the first item (again)."""
        self.inputs, self.leaves, self.made = inputs, leaves, []
        self._trained, self._looked_at = set(), 0

    def add(self, item: Item, inner: Values | None = None) -> None:
        """Take in the next item of the body, and the values of its own body if it has one."""
        if inner is not None:
            self.hold(len(self.made), inner, item)
        self.made.append(item)

    def trained(self) -> AbstractSet[str]:
        """The parameters that get a gradient in the items so far."""
        self._trained.update(with_gradients(self.made[self._looked_at :]))
        self._looked_at = len(self.made)
        return self._trained

    def beneath(self, kind: type[AnyBlock], name: str, call: int) -> Values:
        """The values of a block that begins in this body, empty so far."""
        return self.enter(kind, name, call, Values(()))

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

    def gives_nothing(self, index: int) -> bool:
        """Whether the item at *index* gives no value at all."""
        item = self.made[index]
        return not isinstance(item, Given) and not (item.outcomes if isinstance(item, Work) else item.exports)

    def place(self, index: int, told: int) -> int:
        """Where the value is among those of the item at *index* that the file tells as number *told*."""
        return self.places[index][told] if index in self.places else told

    def input(self, index: int) -> Base | None:
        """What the body takes as number *index*."""
        return self.inputs[index] if index < len(self.inputs) else None

    def leaf(self, path: str) -> Base | None:
        """The leaf *path*."""
        spec = self.leaves.get(path)
        return base_of(spec) if spec else None

    def through(self, operand: Operand) -> Base | None:
        """What *operand* is, its reading included."""
        return read_through(self.resolve(operand.reference), operand.reading)

    def result(self, result: Result) -> Base | None:
        """What the item made or handed out."""
        item = self.made[result.item]
        if isinstance(item, Given):
            return base_of(item.spec)
        if isinstance(item, (Block, Semantic)):
            found = item.exports[result.position : result.position + 1]
            return self.inner[result.item].resolve(found[0]) if found else None
        return self._outcome(item, result.position)

    def _outcome(self, work: Work, position: int) -> Base | None:
        outcome = next(islice(flat(work.outcomes), position, None), None)
        if isinstance(outcome, TensorSpec):
            return base_of(outcome)
        return self.through(outcome) if isinstance(outcome, Operand) else None
