"""The table of PyTorch's parts has every part, and each test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PARTS = (
    *("torch", "functional", "_tensor", "_ops", "serialization"),
    *("nn", "optim", "autograd", "cuda", "distributed", "jit", "fx"),
    *("_dynamo", "_inductor", "_functorch", "export", "_lazy", "sparse"),
    *("testing", "utils", "profiler", "hub"),
)


def rows() -> list[list[str]]:
    text = (PROJECT / "docs/subsystems.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def missing(named: str) -> str:
    """What is not there of a test as pytest names it; empty where all is."""
    file, _, function = named.partition("::")
    path = PROJECT / file
    if not path.is_file():
        return f"no file {file}"
    found = not function or re.search(rf"^def {function}\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    return "" if found else f"no test {function} in {file}"


def test_every_part_has_a_row() -> None:
    assert tuple(row[0].split("`")[1] for row in rows()) == PARTS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0].split("`")[1])
def test_the_test_that_a_row_names_exists(row: list[str]) -> None:
    assert missing(row[-1].strip("`")) == ""


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert missing("tests/capture/test_fx.py::test_of_nothing") == "no test test_of_nothing in tests/capture/test_fx.py"
    assert missing("tests/capture/test_nothing.py") == "no file tests/capture/test_nothing.py"
