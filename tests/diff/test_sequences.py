"""What two bodies begin and end with alike is set aside before anything is looked for, and nothing else comes out."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_torchgraph.canonical.program import Operand, Program
from pytest_torchgraph.diff import matching, sequences
from pytest_torchgraph.diff.change import Added
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.keys import Keys, Level
from pytest_torchgraph.diff.tree import Body as BodyOf
from tests.diff.programs import Body, f32, program

if TYPE_CHECKING:
    import pytest

Step = tuple[str, tuple[int, ...]]
steps = st.lists(
    st.tuples(st.sampled_from(["add", "mul", "relu"]), st.tuples(st.integers(0, 8), st.integers(0, 8))), max_size=8
)


def flat(steps: list[Step], x: str = "x") -> Program:
    """A graph without modules: each step reads two of the values before it."""

    def run(body: Body) -> Operand:
        values = [body.given(x, f32(2, 2))]
        for name, places in steps:
            values.append(body.op(name, *(values[at % len(values)] for at in places), out=f32(2, 2)))
        return values[-1]

    return program(run)


@settings(deadline=None)
@given(steps, steps, steps, st.integers(0, 3))
def test_what_is_set_aside_changes_no_comparison(
    start: list[Step], before: list[Step], after: list[Step], repeated: int
) -> None:
    one, other = flat([*start, *before[:repeated], *start]), flat([*start, *after, *start])
    found = compare(one, other).changes
    with ExitStack() as patches:
        patches.enter_context(patch.object(matching, "same_start", lambda *_: 0))
        patches.enter_context(patch.object(sequences, "_same_end", _nothing_aside))
        patches.enter_context(patch.object(Keys, "items_read", lambda *_: None))
        assert found == compare(one, other).changes


def _nothing_aside(before: tuple[Keys, object], after: tuple[Keys, object], _: int) -> tuple[int, int]:
    return len(before[0].tree.bodies[0].record.items), len(after[0].tree.bodies[0].record.items)


def test_of_a_long_graph_with_one_edit_only_the_edit_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    numbers = sequences._numbers

    def counted(level: Level, keys: Keys, body: BodyOf, gap: range, *, alike: bool) -> object:
        looked.append(len(gap))
        return numbers(level, keys, body, gap, alike=alike)

    monkeypatch.setattr(sequences, "_numbers", counted)
    chance = random.Random(0)
    chain: list[Step] = [(chance.choice(["add", "mul"]), (at, at)) for at in range(400)]
    edited = [*chain[:200], ("relu", (200, 200)), *((name, (at + 1, at + 1)) for name, (at, _) in chain[200:])]
    added = [change for change in compare(flat(chain), flat(edited)).changes if isinstance(change, Added)]
    assert len(added) == 1
    assert max(looked, default=0) < 10
