"""Where snapshots lie."""

from __future__ import annotations

from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_torchgraph.plugin.location import LONGEST_NAME_BYTES, case_clashes, folder_of, readable


def test_an_ordinary_name_is_kept_as_it_is() -> None:
    assert readable("TestBlock.test_forward[resnet18-f32].second") == "TestBlock.test_forward[resnet18-f32].second"


@pytest.mark.parametrize(("one", "other"), [("t[a/b]", "t[a:b]"), ("t[a/b]", "t[a_b]"), ("t[a|b]", "t[a?b]")])
def test_names_that_lose_a_character_stay_apart(one: str, other: str) -> None:
    assert readable(one) != readable(other)
    assert readable(one).startswith("t[a_b]")


@pytest.mark.parametrize("char", [*'\\/?*:|"<>', "\n", "\x00"])
def test_no_character_that_a_file_system_refuses_is_left(char: str) -> None:
    assert char not in readable(f"t[a{char}b]")


def test_long_names_are_cut_and_stay_apart() -> None:
    one, other = readable("t[" + "é" * 300 + "1]"), readable("t[" + "é" * 300 + "2]")
    assert one != other
    assert len(one.encode()) <= LONGEST_NAME_BYTES + len("-12345678")


def test_the_folder_mirrors_the_test_file() -> None:
    assert folder_of(Path("/r/tests/a/test_m.py"), Path("/r")) == PurePath("tests/a/test_m")


def test_a_test_file_outside_the_root_stays_below_the_snapshot_folder() -> None:
    assert folder_of(Path("/elsewhere/test_m.py"), Path("/r")) == PurePath("outside/elsewhere/test_m")


def node(name: str) -> Any:
    return SimpleNamespace(name=name, nodeid=f"m.py::{name}", parent=SimpleNamespace(nodeid="m.py"))


def test_siblings_that_differ_only_in_case_are_found_and_no_others() -> None:
    siblings = [node("test_p[A]"), node("test_p[a]"), node("test_p[b]"), node("test_p[b]")]
    assert case_clashes(siblings) == {"m.py::test_p[A]", "m.py::test_p[a]"}
