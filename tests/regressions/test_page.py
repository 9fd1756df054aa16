"""The page with an example of every cause is what the examples give today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_torchgraph.verdict.causes.cause import CAUSES
from tests.regressions.examples import EXAMPLES, Example, name_of
from tests.regressions.page import PAGE, pairs, section, stored

SHOWN = {pair.name: pair for pair in pairs()}


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_stands_on_the_page_as_it_is(name: str) -> None:
    assert section(SHOWN[name]).text in PAGE.read_text("utf-8")


def test_no_cause_is_without_an_example_and_no_example_without_its_pair() -> None:
    text = PAGE.read_text("utf-8")
    headings = [line[3:].split(", ") for line in text.splitlines() if line.startswith("## ")]
    assert {cause for causes in headings for cause in causes} == set(CAUSES), "python -m tests.regressions.page"
    assert [one.causes for one in stored(set(CAUSES) - {"other-backend"})] == [("other-backend",)]
    assert all(one.text in text for one in stored(set(CAUSES) - {"other-backend", "unsharded", "gathered-again"}))


@pytest.mark.parametrize("example", Example.__subclasses__(), ids=name_of)
def test_an_example_is_told_for_what_it_is(example: type[Example]) -> None:
    pair = EXAMPLES[name_of(example)]
    found = pair.comparison.verdict.findings[0].cause, pair.reverse.verdict.findings[0].cause
    assert found == example.CAUSES


def test_an_example_that_says_something_else_is_noticed() -> None:
    pair = SHOWN["heads_made_contiguous"]
    assert section(replace(pair, before=pair.after, after=pair.before)).text not in PAGE.read_text("utf-8")
