"""Regressions that left every number as it was are found and explained; harmless changes do not fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.regressions.pair import FOLDER, Pair, pairs_in, require_equal_numbers, require_told

DRIFT = pairs_in("drift")
HARMLESS = pairs_in("harmless")
EVERY = {**DRIFT, **HARMLESS}
MESSAGES = FOLDER / "messages"
BACK = MESSAGES / "back"
"""Messages of the way back: from the side after to the side before."""


def messages_of(pair: Pair) -> dict[Path, str]:
    """What is said of *pair* and of the way back, by the file that holds what was reviewed."""
    return {
        MESSAGES / f"{pair.name}.txt": f"{render(pair.outline)}\n",
        BACK / f"{pair.name}.txt": f"{render(pair.outline_back)}\n",
    }


@pytest.mark.parametrize("name", EVERY)
def test_the_numbers_of_a_pair_are_equal(name: str) -> None:
    require_equal_numbers(EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_a_pair_is_told_for_what_it_is(name: str) -> None:
    require_told(EVERY[name])


@pytest.mark.parametrize("name", EVERY)
def test_the_messages_of_a_pair_are_the_reviewed_ones_both_ways(name: str, request: pytest.FixtureRequest) -> None:
    for file, message in messages_of(EVERY[name]).items():
        if settings(request.config).updating:
            file.write_text(message, encoding="utf-8")
        assert message == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DRIFT)
def test_a_regression_that_is_put_right_is_drift_too(name: str) -> None:
    back = DRIFT[name].reverse
    assert back.drifted
    assert str(back)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_change_is_the_same_on_the_way_back(name: str) -> None:
    assert HARMLESS[name].reverse.verdict.status == HARMLESS[name].told.status


@pytest.mark.parametrize("name", EVERY)
def test_two_files_tell_what_two_runs_tell(name: str) -> None:
    pair = EVERY[name]
    texts = (write(graph.canonical, test="test_model.py::test", recorded=recorded_line(graph)) for graph in pair.graphs)
    before, after = map(read, texts)
    stored = Comparison.of(before.program, after.program, (before.recorded, after.recorded)).verdict
    verdict = pair.comparison.verdict
    assert stored.status == verdict.status
    assert stored.fingerprint == verdict.fingerprint
    assert [(each.cause, each.title) for each in stored.findings] == [
        (each.cause, each.title) for each in verdict.findings
    ]


def test_every_message_has_its_pair() -> None:
    for folder in (MESSAGES, BACK):
        assert {path.stem for path in folder.glob("*.txt")} == set(EVERY)
