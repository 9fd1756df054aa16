from __future__ import annotations

import pytest

from pytest_torchgraph.verdict.quantity import (
    AmountUnreadable,
    Limit,
    bytes_text,
    moved_text,
    parse_limit,
    parse_tolerance,
)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (53, Limit("<=", 53)),
        ("53", Limit("<=", 53)),
        ("<=53", Limit("<=", 53)),
        ("<= 1_000", Limit("<=", 1000)),
        ("=53", Limit("=", 53)),
        ("24 MiB", Limit("<=", 24 * 2**20, "MiB")),
        ("24MB", Limit("<=", 24_000_000, "MB")),
        ("<=1.5 kB", Limit("<=", 1500, "kB")),
        ("=0", Limit("=", 0)),
    ],
)
def test_a_limit_is_read(text: object, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text", ["", ">=53", "<53", "53 ops", "5%", "24 mib", "24 Mb", "-1", -1, True, 5.5, None, "1 MiB x"]
)
def test_any_other_limit_is_refused_with_the_accepted_forms(text: object) -> None:
    with pytest.raises(AmountUnreadable, match="Accepted forms: 53") as refusal:
        parse_limit(text)
    assert repr(text) in str(refusal.value)


def test_a_fraction_of_an_operation_says_how_it_was_read() -> None:
    with pytest.raises(AmountUnreadable, match=r"was read as 1\.5, which is not a whole number"):
        parse_limit("1.5")


@pytest.mark.parametrize(
    ("text", "reference", "allowed"),
    [
        ("5%", 1000, 50),
        ("1 MiB", 10, 2**20),
        ("5% or 1 MiB", 10, 2**20),
        ("5% or 1 MiB", 100 * 2**20, 5 * 2**20),
        ("1 kB or 50%", 10_000, 5000),
        ("0.5%", 1000, 5),
        (0, 1000, 0),
        ("0", 1000, 0),
        ("5%", -3, 0),
    ],
)
def test_a_tolerance_allows_the_larger_of_its_parts(text: object, reference: int, allowed: int) -> None:
    assert parse_tolerance(text).allowed(reference) == allowed


@pytest.mark.parametrize(
    "text", ["", "5", 0.05, "5% and 1 MiB", "5% or 6%", "1 MiB or 2 kB", "±5%", "5 %%", None, True, False]
)
def test_any_other_tolerance_is_refused_with_the_accepted_forms(text: object) -> None:
    with pytest.raises(AmountUnreadable, match="Accepted forms"):
        parse_tolerance(text)


def test_sizes_are_said_in_binary_units_with_one_decimal() -> None:
    assert [bytes_text(size) for size in (0, 512, 2048, 24 * 2**20, 3 * 2**30)] == [
        "0 B",
        "512 B",
        "2.0 KiB",
        "24.0 MiB",
        "3.0 GiB",
    ]


def test_a_small_move_never_reads_as_none() -> None:
    million = 1_000_000
    moves = [moved_text(million, million + more) for more in (115_000, 400, -10, -1)]
    assert moves == ["+11.5%", "+0.04%", "-0.001%", "-<0.001%"]
    assert moved_text(0, 5) == ""
