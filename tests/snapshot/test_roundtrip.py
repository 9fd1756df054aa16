"""The file holds the canonical graph: exactly, and the same for the same graph only."""

from __future__ import annotations

import random
import subprocess
import sys

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.snapshot.strategies import altered, programs

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def text_of(program: Program) -> str:
    """The file of *program*."""
    return write(program, test="tests/test_x.py::test_x", recorded="torch 2.13.0")


@relaxed
@given(programs())
def test_what_is_written_is_read_back(program: Program) -> None:
    snapshot = read(text_of(program))
    assert exactly(snapshot.program) == exactly(program)
    assert (snapshot.test, snapshot.recorded) == ("tests/test_x.py::test_x", "torch 2.13.0")


@relaxed
@given(programs(), st.randoms(use_true_random=False))
def test_two_graphs_have_one_text_exactly_when_they_are_equal(program: Program, chance: random.Random) -> None:
    try:
        other = altered(chance, program)
        text = text_of(other)
    except (ValueError, IndexError, TypeError, AttributeError, KeyError, AssertionError):
        assume(False)
    # What is told as a whole has no spec.
    assume(all(alive.what.place or not alive.what.spec for alive in other.alive))
    assert (text == text_of(program)) == (exactly(other) == exactly(program))


@relaxed
@given(programs())
def test_writing_twice_gives_the_same_bytes(program: Program) -> None:
    assert text_of(program) == text_of(program) == text_of(read(text_of(program)).program)


@relaxed
@given(programs(), st.text(st.characters(exclude_categories=())), st.text())
def test_test_and_note_may_hold_any_text(program: Program, test: str, recorded: str) -> None:
    snapshot = read(write(program, test=test, recorded=recorded))
    assert (snapshot.test, snapshot.recorded) == (test, recorded)


@relaxed
@given(programs())
def test_a_file_is_utf8_lines_without_trailing_space(program: Program) -> None:
    text = text_of(program)
    assert text.encode("utf-8").decode("utf-8").splitlines() == text.removesuffix("\n").split("\n")
    assert all(line == line.rstrip() and line for line in text.splitlines())


def exactly(program: Program) -> str:
    """Equality that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return repr(program)


def test_reading_never_imports_torch() -> None:
    code = "import sys; from pytest_torchgraph.snapshot import reader, writer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
