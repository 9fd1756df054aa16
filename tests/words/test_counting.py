from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_torchgraph.words.counting import times

PACKAGE = Path(__file__).parents[2] / "pytest_torchgraph"


@pytest.mark.parametrize(
    ("count", "noun", "form", "text"),
    [
        (0, "operation", "", "0 operations"),
        (1, "operation", "", "1 operation"),
        (2, "copy", "", "2 copies"),
        (3, "module call", "", "3 module calls"),
        (2, "branch", "", "2 branches"),
        (1, "operation", "+d", "+1 operation"),
        (-1, "operation", "+d", "-1 operation"),
        (-12, "operation", "+d", "-12 operations"),
        (1024, "run", ",", "1,024 runs"),
    ],
)
def test_a_noun_is_in_the_plural_unless_there_is_one(count: int, noun: str, form: str, text: str) -> None:
    assert times(count, noun, form) == text


def test_no_other_place_makes_plurals_of_its_own() -> None:
    made_by_hand = re.compile(r"""['"]s['"] \* \(.*!= 1\)|== 1 else ['"]s['"]|['"]s['"] if .* != 1""")
    files = [path for path in PACKAGE.rglob("*.py") if made_by_hand.search(path.read_text(encoding="utf-8"))]
    assert [str(path.relative_to(PACKAGE)) for path in files] == []
