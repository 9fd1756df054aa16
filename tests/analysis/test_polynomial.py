"""Formulas are exact: what was put in comes out, and what is no polynomial is none."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from pytest_torchgraph.analysis.polynomial import Polynomial, fitted, outer

AXES = ((1, 2, 4), (3, 5, 16))
POINTS = (*product(*AXES), (8, 32))
terms = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(-(10**12), 10**12).filter(bool), max_size=6
)


def polynomial(of: dict[tuple[int, ...], int]) -> Polynomial:
    return Polynomial(tuple(sorted((powers, Fraction(value)) for powers, value in of.items())))


@given(terms)
def test_a_polynomial_is_found_again(of: dict[tuple[int, ...], int]) -> None:
    wanted = polynomial(of)
    assert fitted(AXES, {at: int(wanted.at(at)) for at in POINTS}) == wanted


@given(terms, st.sampled_from(POINTS))
def test_one_amount_that_is_off_is_no_polynomial_or_another_one(
    of: dict[tuple[int, ...], int], at: tuple[int, int]
) -> None:
    wanted = polynomial(of)
    values: dict[tuple[int, ...], int] = {point: int(wanted.at(point)) for point in POINTS}
    values[at] += 1
    assert fitted(AXES, values) != wanted


def test_a_cube_is_no_square() -> None:
    assert fitted([(1, 2, 4)], {(size,): size**3 for size in (1, 2, 4, 8)}) is None
    cube = fitted([(1, 2, 4, 5)], {(size,): size**3 for size in (1, 2, 4, 5, 8)})
    assert cube is not None
    assert cube.degree(0) == 3


def test_half_of_a_square_has_a_quotient() -> None:
    found = fitted([(1, 2, 4)], {(size,): size * (size + 1) // 2 for size in (1, 2, 4, 8)})
    assert found is not None
    assert found.terms == (((1,), Fraction(1, 2)), ((2,), Fraction(1, 2)))


@given(st.lists(terms, min_size=1, max_size=8), st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)))
def test_what_is_covered_is_never_the_largest(of: list[dict[tuple[int, ...], int]], at: tuple[int, int]) -> None:
    every = [polynomial(one) for one in of]
    assert max(one.at(at) for one in every) == max(one.at(at) for one in outer(every))
