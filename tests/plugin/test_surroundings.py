"""What runs a session is read once, before its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin.surroundings import Surroundings
from pytest_torchgraph.report.markdown import SUMMARY
from tests.plugin.test_storage import CHAIN, COPIED, FILE

if TYPE_CHECKING:
    from tests.plugin.conftest import Project


@pytest.mark.parametrize("value", ["", "0", "false", "False", "FALSE", "no", "off", " false "])
def test_a_variable_that_says_no_is_no_ci(value: str) -> None:
    assert not Surroundings.of({"CI": value}).ci


@pytest.mark.parametrize("value", ["1", "true", "True", "yes", "woodpecker", "github"])
def test_any_other_value_is_ci(value: str) -> None:
    assert Surroundings.of({"CI": value}).ci


def test_without_variables_it_is_nobodys() -> None:
    assert Surroundings.of({}) == Surroundings()
    assert not Surroundings.of({"GITHUB_ACTIONS": "false"}).github


def test_a_test_that_clears_the_environment_changes_nothing_in_a_monorepo_on_github(apart: Project) -> None:
    inner = "libs/one/"
    apart.write({f"{inner}test_m.py": CHAIN, f"{inner}pytest.ini": "[pytest]\n", f"{inner}conftest.py": ""})
    assert apart.run("--torchgraph-update", inner).code == 0
    apart.write({f"{inner}test_m.py": COPIED, f"{inner}conftest.py": "import os\nos.environ.clear()\n"})
    summary = apart.path / "summary.md"
    summary.write_text("x" * (SUMMARY - 100), encoding="utf-8")
    variables: dict[str, Any] = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(apart.path)}
    result = apart.run(inner, GITHUB_STEP_SUMMARY=str(summary), **variables)
    assert result.outcomes() == {"failed": 1}
    assert "::error file=libs/one/test_m.py,line=" in result.text
    assert summary.stat().st_size == SUMMARY - 100
    told = "nothing was added to GITHUB_STEP_SUMMARY: of the 1048576 bytes that GitHub takes, 100 are left"
    assert told in result.text
    assert not list(apart.path.rglob("*.new"))


def test_ci_that_says_no_keeps_what_waits(apart: Project) -> None:
    apart.write({"test_m.py": CHAIN})
    assert apart.run("--torchgraph-update").code == 0
    apart.write({"test_m.py": COPIED})
    result = apart.run(CI="false")
    assert f"{FILE}.new" in apart.snapshots()
    assert "(CI)" not in result.text
