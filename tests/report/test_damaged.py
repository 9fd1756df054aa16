"""A report that was damaged is read, or refused in one line; whatever is read can be written in every form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_torchgraph.report import html, markdown
from pytest_torchgraph.report.case import report_of
from pytest_torchgraph.report.json import ReportUnreadable, read, render
from tests.diff.programs import layers
from tests.report.cases import case, drift, seen

SEEN = seen(layers(2), layers(2, change=lambda number: {"extra": "clone"} if number else {}))
TEXT = render(report_of([SEEN, drift("a::b"), case("c", "same")]))
PARTS = ("", "{", "}", "[", "]", '"', "null", "1e999", "-1", "\\ud800", "\x1b[31m", ",", ":", "true", "[" * 2000)


@st.composite
def damaged(draw: Any) -> str:
    """The text of a report, cut, spliced, or with a part of it exchanged."""
    text = TEXT
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + draw(st.sampled_from(PARTS) | st.text(max_size=8)) + text[end:]
    return text


def read_or_refused(text: str) -> None:
    try:
        found = read(text, path="damaged.json")
    except ReportUnreadable as error:
        (line,) = str(error).splitlines()
        assert line.startswith("damaged.json")
    else:
        assert read(render(found)) == found
        assert html.render(found)
        assert markdown.render(found)


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_a_damaged_report_is_read_or_refused(text: str) -> None:
    read_or_refused(text)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(damaged())
def test_many_damaged_reports_are_read_or_refused(text: str) -> None:
    read_or_refused(text)
