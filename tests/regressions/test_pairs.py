"""Regressions that left every number as it was are found and explained; harmless changes do not fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_torchgraph.plugin.options import updating
from pytest_torchgraph.report.terminal import render
from tests.regressions.pair import FOLDER, Pair, pairs_in, require_equal_numbers, require_told

DRIFT = pairs_in("drift")
HARMLESS = pairs_in("harmless")
EVERY = {**DRIFT, **HARMLESS}
MESSAGES = FOLDER / "messages"


def message_file(pair: Pair) -> Path:
    return MESSAGES / f"{pair.name}.txt"


@pytest.mark.parametrize("name", EVERY)
def test_the_numbers_of_a_pair_are_equal(name: str) -> None:
    require_equal_numbers(EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_a_pair_is_told_for_what_it_is(name: str) -> None:
    require_told(EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_the_message_of_a_pair_is_the_reviewed_one(name: str, request: pytest.FixtureRequest) -> None:
    pair = EVERY[name]
    message = render(pair.outline) + "\n"
    if updating(request.config):
        message_file(pair).write_text(message, encoding="utf-8")
    assert message == message_file(pair).read_text(encoding="utf-8")


def test_every_message_has_its_pair() -> None:
    assert {path.stem for path in MESSAGES.glob("*.txt")} == set(EVERY)
