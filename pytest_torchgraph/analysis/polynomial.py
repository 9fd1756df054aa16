"""Amounts that grow with sizes, as polynomials with exact coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import TypeAlias

from pytest_torchgraph.quick import dataclass

Sizes: TypeAlias = tuple[int, ...]
Powers: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A sum of terms: the coefficient of each by the powers of its sizes, none of them zero, in the order of powers."""

    terms: tuple[tuple[Powers, Fraction], ...]

    def at(self, sizes: Sequence[int]) -> Fraction:
        """The amount at *sizes*."""
        return sum((value * product_of(sizes, powers) for powers, value in self.terms), Fraction(0))

    def degree(self, place: int) -> int:
        """The highest power of one size."""
        return max((powers[place] for powers, _ in self.terms), default=0)

    @property
    def leading(self) -> tuple[Powers, ...]:
        """The powers of the terms that no other term outgrows."""
        every = [powers for powers, _ in self.terms]
        return tuple(powers for powers in every if not any(outgrows(other, powers) for other in every))

    def covers(self, other: Polynomial) -> bool:
        """Whether it is at least as large as *other* wherever all sizes are positive, as its coefficients show."""
        mine, theirs = dict(self.terms), dict(other.terms)
        return all(mine.get(powers, 0) >= theirs.get(powers, 0) for powers in {**mine, **theirs})


def product_of(sizes: Sequence[int], powers: Powers) -> int:
    """The product of *sizes*, each raised to its power."""
    found = 1
    for size, power in zip(sizes, powers, strict=True):
        found *= size**power
    return found


def outgrows(powers: Powers, others: Powers) -> bool:
    """Whether a term of *powers* grows faster than one of *others*, in no size slower."""
    return powers != others and all(one >= other for one, other in zip(powers, others, strict=True))


def fitted(axes: Sequence[Sequence[int]], values: Mapping[Sizes, int]) -> Polynomial | None:
    """The polynomial through every one of *values*, by sizes; ``None`` where there is none.

    Those on the grid of *axes* determine it, in each size one degree below the number of sizes there are; all others
    prove it.
    """
    grid = {sizes: Fraction(values[sizes]) for sizes in product(*axes)}
    for place, axis in enumerate(axes):
        grid = along(place, axis, grid)
    found = Polynomial(tuple(sorted((powers, value) for powers, value in grid.items() if value)))
    return found if all(found.at(sizes) == value for sizes, value in values.items()) else None


def along(place: int, axis: Sequence[int], grid: Mapping[Sizes, Fraction]) -> dict[Sizes, Fraction]:
    """*grid* with the amounts along one axis replaced by coefficients."""
    lines: dict[Sizes, dict[int, Fraction]] = {}
    for sizes, value in grid.items():
        lines.setdefault((*sizes[:place], 0, *sizes[place + 1 :]), {})[sizes[place]] = value
    return {
        (*at[:place], power, *at[place + 1 :]): value
        for at, line in lines.items()
        for power, value in enumerate(coefficients(axis, [line[size] for size in axis]))
    }


def coefficients(at: Sequence[int], values: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients of the polynomial through *values*, by Newton's divided differences."""
    differences = list(values)
    for order in range(1, len(at)):
        for place in range(len(at) - 1, order - 1, -1):
            rise = differences[place] - differences[place - 1]
            differences[place] = rise / (at[place] - at[place - order])
    found = [Fraction(0)] * len(at)
    for place in range(len(at) - 1, -1, -1):
        shifted = [Fraction(0), *found[:-1]]
        found = [up - at[place] * one for up, one in zip(shifted, found, strict=True)]
        found[0] += differences[place]
    return found


def outer(polynomials: Iterable[Polynomial]) -> tuple[Polynomial, ...]:
    """Those of *polynomials* that another one does not cover, in a fixed order."""
    waiting = sorted(set(polynomials), key=lambda one: (sum(value for _, value in one.terms), one.terms), reverse=True)
    kept: list[Polynomial] = []
    for one in waiting:
        if not any(other.covers(one) for other in kept):
            kept.append(one)
    return tuple(kept)
