"""Which parameter each operation of a phase is done for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container
from typing import TypeAlias

from pytest_torchgraph.canonical.operands import flat, operands_of
from pytest_torchgraph.canonical.program import (
    Argument,
    Given,
    Leaf,
    Operand,
    PhaseBlock,
    Result,
    Work,
    exact_item,
)
from pytest_torchgraph.recorded.tensor import TensorSpec

OWN = "parameter"
Specs: TypeAlias = "dict[str, TensorSpec]"


class Ownership:
    """The operations of one phase, and for each its kind and the parameters that it is done for."""

    def __init__(self, block: PhaseBlock, parameters: Specs) -> None:
        self.works = [item for item in block.items if isinstance(item, (Work, Given))]
        self.leaves = dict(block.leaves)
        self.parameters = parameters
        self.owners: list[tuple[str, tuple[str, ...]]] = []
        for place in range(len(self.works)):
            self.owners.append(self._owners(place))
        self._share()

    def count(self, place: int) -> int:
        """How many values the operation at *place* makes."""
        work = self.works[place]
        return 1 if isinstance(work, Given) else sum(1 for _ in flat(work.outcomes))

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
        found_one = {self._owner_of(one) for one in operands_of(work)} | {self._named(path) for _, path in work.becomes}
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
            if len(everyone) > 1 and set(times) == everyone:
                # What is done once more before the first is done before the loop: the nearest are the loop's.
                left = dict.fromkeys(everyone, min(times.values()))
                for place, owner in places:
                    if left[owner]:
                        left[owner] -= 1
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
            if kind == "all" and operand.reference.position < len(owners) == self.count(operand.reference.item):
                return owners[operand.reference.position]
        return None

    def _named(self, path: str) -> str | None:
        found = owner_of(path, self.parameters)
        return found[0] if found else None


def owner_of(path: str, parameters: Container[str]) -> tuple[str, str] | None:
    """The parameter that a leaf belongs to and what it is to it; ``None`` for a leaf of another kind."""
    if path in parameters:
        return path, OWN
    owner, _, key = path.rpartition(".")
    return (owner, key) if owner in parameters and key.isidentifier() and key != OWN else None


def natural(path: str) -> tuple[tuple[int, int | str], ...]:
    """A sorting key in which ``layers.10`` comes after ``layers.9``."""
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", path) if part)


def is_list_of_tensors(values: tuple[Argument, ...]) -> bool:
    """Whether *values* is a list of several tensors."""
    return len(values) > 1 and all(isinstance(one, Operand) for one in values)
