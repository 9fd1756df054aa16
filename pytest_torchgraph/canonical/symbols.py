"""Operations told with symbols in place of the parameters that they are done for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from pytest_torchgraph.canonical.operands import flat
from pytest_torchgraph.canonical.ownership import Ownership, Specs, natural, owner_of
from pytest_torchgraph.canonical.program import (
    Argument,
    Every,
    Input,
    Leaf,
    Operand,
    Outcome,
    ParameterLoop,
    Result,
    Work,
)
from pytest_torchgraph.canonical.reading import DISTINCT, canonical_spec, read, reading_of
from pytest_torchgraph.recorded.tensor import LIKE_PARAMETER, Geometry, TensorSpec

LIKE = (LIKE_PARAMETER,)


@lru_cache(maxsize=DISTINCT)
def like(whole: TensorSpec, own: TensorSpec) -> TensorSpec:
    """*whole*, with a symbol for the sizes where they are those of the parameter, whose spec is *own*."""
    if own.geometry is not None and replace(own, dtype=whole.dtype) == whole and own.shape:
        return replace(whole, shape=LIKE, geometry=Geometry(LIKE, (1,)))
    return whole


class NotUniform(Exception):
    """The operations cannot be told with a symbol for the parameter."""


class Symbols:
    """Tells operations that are done for *owners* with symbols in place of their names.

    *outside* tells where a value is, after gathering, that another operation made.
    """

    def __init__(
        self, ownership: Ownership, outside: Callable[[Result], Result], owners: tuple[str, ...], places: list[int]
    ) -> None:
        self.ownership = ownership
        self.outside = outside
        self.owners = owners
        self.places = {place: index for index, place in enumerate(places)}
        self.bases: Specs = {}
        self.inputs: list[Operand] = []

    def loop(self, name: Literal["each", "all"]) -> ParameterLoop:
        """The body with symbols; raises :class:`NotUniform` where it has none."""
        works = [work for place in self.places if isinstance(work := self.ownership.works[place], Work)]
        items = tuple(self._work(work, together=name == "all") for work in works)
        ordered = tuple(sorted(self.owners, key=natural))
        leaves = tuple(self.bases.items())
        return ParameterLoop(name=name, parameters=ordered, inputs=tuple(self.inputs), leaves=leaves, items=items)

    def _work(self, work: Work, *, together: bool) -> Work:
        return Work(
            work.name,
            arguments=tuple([self._argument(one, together=together) for one in work.arguments]),
            keywords=tuple([(name, self._argument(one, together=together)) for name, one in work.keywords]),
            outcomes=self._outcomes(work, together=together),
            becomes=self._becomes(work, together=together),
            wait=work.wait,
            source=work.source,
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
            if len(self.owners) > 1 and self.ownership.count(reference.item) == len(self.owners):
                if position != self.owners.index(owner):
                    raise NotUniform
                position = 0
            return Operand(Result(self.places[reference.item], position), operand.reading)
        if isinstance(reference, Result):
            return self._input(Operand(self.outside(reference)), operand)
        if not isinstance(reference, Leaf):
            raise NotUniform
        found = owner_of(reference.path, self.ownership.parameters)
        if found is None or found[0] != owner:
            raise NotUniform
        return self._leaf(found[1], read(self.ownership.leaves[reference.path], operand.reading), owner)

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
        if spec.geometry is not None and spec.geometry.offset:
            raise NotUniform
        return like(canonical_spec(spec), canonical_spec(self.ownership.parameters[owner]))

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
            told = owner_of(path, self.ownership.parameters)
            if told is None or (together and self.owners[position] != told[0]):
                raise NotUniform
            found[(0 if together else position), told[1]] = None
        if together and found and len(work.becomes) != len(self.owners):
            raise NotUniform
        return tuple(found)
