"""Whatever becomes of a file, reading it gives a graph or one clear message."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.loading import graph_of
from pytest_torchgraph.snapshot.pending import Pending, WaitingChange, read_pending, write_pending
from pytest_torchgraph.snapshot.reader import SnapshotUnreadable, read
from pytest_torchgraph.snapshot.writer import write
from tests.snapshot.golden import BLOCK, CACHED, GROWING, VERSION_1

FILES = [BLOCK, CACHED, GROWING, GROWING, *VERSION_1.values()]
CHANGE = WaitingChange(fingerprint="3fbb0002", title="mm: stride [1] -> [2]", places=("layers.*",), hint="a copy")
WAITING = write_pending(Pending(test="test_m.py::test", before="00", changes=(CHANGE,), cost="ops 1 -> 2", text=BLOCK))
FRAGMENTS = [
    "%x", "%in0", "%layers.{i-1}", "^^^in0", "../w", ":1", "[0:1]", "×3", " as layers.0", " like layers.0", "... [0:2]",
    "repeat ×3, i = 0-2", " -> none", " -> %a, %b", "for each of 2 parameters", "phase backward", "f32[*]", "[*grad]",
    "{", "}", " | ", "\\", '"', "(", ")", "[", "]", ", ", "$", "#again", "#2", "end", "leaves ", "return ", "\x1b[31m",
    "{_i}", "{:i}", "{#i-1}", "{j}", "{%in{j} ×{i}}", " throughout", " || ", "{0.1; 0.2; 0.3}", "{:f32[2]}", "[2,0]",
    "repeat ×3, i = 0-2 throughout", "repeat ×2, j = 0-1", ".unflatten(0,2,2)",
    "9" * 30, "-1", "0", ".view(i32)", ".T", ".as_strided((2),(1),0)", "  ", "\n", "\t", "\x00", "é", "\u2028",
]  # fmt: skip
settled = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
few = settings(settled, max_examples=150)
many = settings(settled, max_examples=20_000)


def mutated(text: str, chance: random.Random) -> str:
    """*text* after one to three accidents."""
    for _ in range(chance.randint(1, 3)):
        text = chance.choice(ACCIDENTS)(text, chance)
    return text


def cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def without_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    start = chance.randrange(len(lines))
    return "\n".join(lines[:start] + lines[start + chance.randint(1, 4) :])


def twice(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    start, where = chance.randrange(len(lines)), chance.randrange(len(lines))
    return "\n".join(lines[:where] + lines[start : start + chance.randint(1, 4)] + lines[where:])


def other_number(text: str, chance: random.Random) -> str:
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    found = chance.choice(numbers)
    other = chance.choice([str(int(found[0][:20]) + chance.choice([-1, 1, 2])), "0", "7" * chance.randint(1, 25)])
    return text[: found.start()] + other + text[found.end() :]


def fragment(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + chance.choice(FRAGMENTS) + text[start + chance.randint(0, 5) :]


def splice(text: str, chance: random.Random) -> str:
    lines, other = text.split("\n"), chance.choice(FILES).split("\n")
    start, where = chance.randrange(len(other)), chance.randrange(len(lines))
    return "\n".join(lines[:where] + other[start : start + chance.randint(1, 6)] + lines[where + 1 :])


def indented(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    where = chance.randrange(len(lines))
    lines[where] = chance.choice(["  " + lines[where], lines[where].removeprefix("  ")])
    return "\n".join(lines)


ACCIDENTS = [cut, without_lines, twice, other_number, other_number, fragment, fragment, splice, indented]


def require_read_or_refused(text: str, before: str) -> None:
    """Reading *text* gives a graph that can be shown and compared with that of *before*, or one clear message."""
    try:
        snapshot = read(text, path="x.torchgraph")
    except SnapshotUnreadable as error:
        lines = str(error).splitlines()
        assert lines[0].startswith("x.torchgraph:")
        assert len(lines) in (2, 3)
        assert all(line.isprintable() and len(line) < 400 for line in lines)
        return
    again = write(snapshot.program, test=snapshot.test, recorded=snapshot.recorded)
    assert read(again).program == snapshot.program
    graph_of(snapshot)
    told = Comparison.of(read(before).program, snapshot.program, ("", snapshot.recorded))
    render(told.outline("x"), verbosity=2)


@few
@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_a_damaged_file_is_read_or_refused(text: str, chance: random.Random) -> None:
    require_read_or_refused(mutated(text, chance), text)


@pytest.mark.long
@many
@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_a_file_damaged_in_any_of_many_ways_is_read_or_refused(text: str, chance: random.Random) -> None:
    require_read_or_refused(mutated(text, chance), text)


@few
@given(st.randoms(use_true_random=False))
def test_a_damaged_file_that_waits_is_read_or_refused(chance: random.Random) -> None:
    try:
        found = read_pending(mutated(WAITING, chance), "x.new")
    except SnapshotUnreadable as error:
        told = str(error).splitlines()
    else:
        told = ["x.new: "]
        assert read_pending(write_pending(found), "x.new") == found
    assert told[0].startswith("x.new:")
    assert all(len(line) < 400 for line in told)
