"""Numbers and names are written as they are documented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.explorer import format_param_count, format_shape, format_time
from pytest_torchgraph.explorer.formatting import bar, bytes_text, count_text, share_text
from tests.explorer.documented import FORMAT_COUNT, FORMAT_SHAPE, FORMAT_TIME, run


def documented(source: str, name: str) -> Callable[[Any], str]:
    function: Callable[[Any], str] = run(source)[name]
    return function


@given(st.lists(st.integers(0, 10_000), max_size=5).map(tuple))
def test_a_shape_is_written_as_documented(shape: tuple[int, ...]) -> None:
    assert format_shape(shape) == documented(FORMAT_SHAPE, "format_shape")(shape)


@given(st.integers(0, 10**13))
def test_a_count_is_written_as_documented(count: int) -> None:
    assert format_param_count(count) == documented(FORMAT_COUNT, "format_param_count")(count)


@given(st.floats(0, 1e6, allow_nan=False))
def test_a_time_is_written_as_documented(seconds: float) -> None:
    assert format_time(seconds) == documented(FORMAT_TIME, "format_time")(seconds)


def test_the_examples_of_the_document_hold() -> None:
    assert format_shape((3, 224, 224)) == "3×224×224"
    assert (format_param_count(1_700_000), format_param_count(5_400_000_000)) == ("1.7M", "5.4B")
    assert [format_time(each) for each in (1.5e-7, 1.5e-5, 1.5e-3, 1.5, 15, 90, 7200)] == [
        "150.0ns",
        "15.00μs",
        "1.50ms",
        "1.5000s",
        "15.00s",
        "1.5min",
        "2.0h",
    ]


def test_what_is_unknown_is_never_nothing() -> None:
    assert (count_text(Total(0, ("weight",))), count_text(Total(9, ("weight",)))) == ("?", "≥9")
    assert (bytes_text(None), share_text(None), share_text(0.001)) == ("?", "?", "<1 %")


@pytest.mark.parametrize(("share", "drawn"), [(0, "    "), (1e-9, "▏   "), (0.5, "██  "), (1, "████"), (7, "████")])
def test_a_bar_is_as_wide_as_its_share(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn
