"""Limits on growth: what they mean, and what is refused."""

from __future__ import annotations

import pytest

from pytest_torchgraph.analysis.scaling import Growth, growth_of
from pytest_torchgraph.verdict.order import OrderUnreadable, parse_order
from pytest_torchgraph.verdict.quantity import AmountUnreadable, parse_limit

NAMES = ("batch", "sequence")
AXES = ((1, 2, 4), (1, 2, 4))
POINTS = [(b, s) for b in (1, 2, 4) for s in (1, 2, 4)] + [(8, 8)]


def growth(batch: int, sequence: int) -> Growth:
    return growth_of(AXES, {(b, s): 100 + 3 * b**batch * s**sequence for b, s in POINTS})


@pytest.mark.parametrize(
    ("limit", "powers", "allowed"),
    [
        ("O(1)", (0, 0), True),
        ("O(1)", (1, 0), False),
        ("O(batch*sequence)", (1, 1), True),
        ("O(batch*sequence)", (1, 0), True),
        ("O(batch*sequence)", (1, 2), False),
        ("O(batch * sequence**2)", (1, 2), True),
        ("O(batch*sequence^2)", (2, 1), False),
        ("O(batch + sequence^2)", (0, 2), True),
        ("O(batch + sequence^2)", (1, 1), False),
        (" O( batch*batch ) ", (2, 0), True),
    ],
)
def test_an_order_allows_what_grows_no_faster(limit: str, powers: tuple[int, int], allowed: bool) -> None:
    assert parse_order(limit, NAMES).allows(growth(*powers)) is allowed


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (53, "limited by an order"),
        ("24 MiB", "limited by an order"),
        ("O()", "limited by an order"),
        ("O(batch", "limited by an order"),
        ("O(bach)", "'bach' is no size of this call"),
        ("O(batch^x)", "not understood at 'batch\\^x'"),
        ("O(batch+)", "not understood at ''"),
        ("O(2*batch)", "not understood at '2'"),
    ],
)
def test_what_is_no_order_is_refused_with_the_forms(limit: object, said: str) -> None:
    with pytest.raises(OrderUnreadable, match=said):
        parse_order(limit, NAMES)


def test_one_run_shows_no_growth() -> None:
    with pytest.raises(AmountUnreadable, match=r"one run shows no growth: torch_graph.scaling"):
        parse_limit("O(batch)")
