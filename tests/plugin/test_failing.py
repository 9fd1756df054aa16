"""A failed check fails its test at once, or with the others at its end."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.cli.main import main

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

SEVERAL = """
    import pytest
    from stubs import *

    def test_several(torch_graph):
        torch_graph.check(graph(ADD), name="a")
        torch_graph.check(graph(MUL), name="b")
        torch_graph.check(graph(ADD, MUL), name="c")
        torch_graph.check(graph(RELU), name="d", budget={"ops": 2})

    def test_raises(torch_graph):
        torch_graph.check(graph(ADD))
        assert True, "own words"

    def test_skips(torch_graph):
        torch_graph.check(graph(ADD))
        pytest.skip("no such device")

    @pytest.fixture
    def made(torch_graph):
        torch_graph.check(graph(ADD), name="in-setup")
        yield
        torch_graph.check(graph(ADD), name="in-teardown")

    def test_around(made):
        pass

    @pytest.mark.xfail
    def test_expected(torch_graph):
        torch_graph.check(graph(ADD))
        torch_graph.check(graph(ADD), name="two")
"""
DRIFTED = SEVERAL.replace("graph(ADD", "graph(CLONE, ADD").replace("graph(RELU)", "graph(RELU, CLONE, CLONE)")
DRIFTED = DRIFTED.replace("assert True", "assert False")


@pytest.fixture
def drifted(project: Project) -> Project:
    """Tests of several checks, of which most have drifted."""
    project.write({"test_m.py": SEVERAL})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": DRIFTED})
    return project


def test_by_default_the_first_failed_check_fails_the_test(drifted: Project) -> None:
    result = drifted.run()
    waiting = sorted(name for name in drifted.snapshots() if name.endswith(".new"))
    assert result.outcomes() == {"failed": 3, "error": 1, "xfailed": 1}
    assert [name for name in waiting if "several" in name] == ["test_m/test_several.a.torchgraph.new"]
    assert "own words" not in result.text
    told = [line for line in result.text.splitlines() if "not compared; pytest --torchgraph-all" in line]
    assert told == [
        "  another snapshot of this test was not compared; pytest --torchgraph-all compares all before it fails",
        "  3 other snapshots of this test were not compared; pytest --torchgraph-all compares all before it fails",
    ]


def test_on_request_all_checks_are_made_before_the_test_fails(
    drifted: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = drifted.run("--torchgraph-all", "-rA")
    lines = result.text.splitlines()
    assert result.outcomes() == {"failed": 4, "error": 1, "xfailed": 1}
    assert "test_m.py::test_several: 3 checks failed" in lines
    assert "FAILED test_m.py::test_several - 3 checks failed" in lines
    assert "test_m.py::test_several: over budget" in result.text
    assert "own words" in result.text
    assert sum("checks that failed as well" in line for line in lines) == 1
    waiting = sorted(name for name in drifted.snapshots() if name.endswith(".new"))
    assert len(waiting) == 9
    quick = [line.partition("accept without another run: ")[2] for line in lines]
    monkeypatch.chdir(drifted.path)
    for command in dict.fromkeys(filter(None, quick)):
        assert main(shlex.split(command)[1:]) == 0
    left = {name.partition(".")[0] for name in drifted.snapshots() if name.endswith(".new")}
    assert left == {"test_m/test_expected"}


def test_the_setting_is_the_same_as_the_option(drifted: Project) -> None:
    drifted.write({"pytest.ini": "[pytest]\ntorchgraph_all = true\n"})
    assert "test_m.py::test_several: 3 checks failed" in drifted.run("-k", "several").text


def test_a_name_that_no_file_can_have_is_one_line(project: Project) -> None:
    body = "torch_graph.check(graph(ADD), name='\\ud800')"
    project.write({"test_m.py": f"from stubs import *\n\ndef test_m(torch_graph):\n    {body}\n"})
    result = project.run("--torchgraph-update")
    assert "name='\\ud800' names no snapshot: it holds half a character" in result.text
    assert "codec" not in result.text


@pytest.mark.parametrize("kind", ["folder", "beneath a file", "loop"])
def test_a_snapshot_path_that_is_no_file_is_one_clear_line(project: Project, kind: str) -> None:
    project.write({"test_m.py": SEVERAL})
    place = project.path / "snapshots" / "test_m" / "test_raises.torchgraph"
    if kind == "beneath a file":
        place.parent.parent.mkdir()
        place.parent.touch()
    else:
        place.parent.mkdir(parents=True)
        place.mkdir() if kind == "folder" else place.symlink_to(place.name)
    for option in ("-q", "--torchgraph-update"):
        result = project.run("-k", "raises", option)
        assert result.code == 1
        assert not any(word in result.text for word in ("Traceback", "pathlib", "INTERNALERROR"))
        told = [line for line in result.text.splitlines() if "test_raises.torchgraph" in line and "cannot be" in line]
        assert told, result.text


OTHERS = """
    import unittest
    import pytest
    from stubs import *

    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def given(self, torch_graph):
            self.torch_graph = torch_graph

        def test_two(self):
            self.torch_graph.check(graph(ADD), name="a")
            self.torch_graph.check(graph(ADD), name="b")

        def test_raises(self):
            self.torch_graph.check(graph(ADD), name="a")
            self.assertEqual(1, ONE)

        def test_skips(self):
            self.torch_graph.check(graph(ADD), name="a")
            self.skipTest("why")

        def test_parts(self):
            for name in "ab":
                with self.subTest(name=name):
                    self.torch_graph.check(graph(ADD) if name == "b" else graph(MUL), name=name)

    ONE = 1

    def test_subtests(torch_graph, subtests):
        for name in "ab":
            with subtests.test(name=name):
                torch_graph.check(graph(ADD) if name == "a" else graph(MUL), name=name)
"""


def test_no_kept_failure_is_lost_in_test_cases_and_subtests(project: Project) -> None:
    """Of the subtests, only the first or only the last drifts."""
    if not hasattr(pytest, "Subtests"):
        pytest.skip("subtests came with pytest 9")
    project.write({"test_m.py": OTHERS})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": OTHERS.replace("graph(ADD", "graph(CLONE, ADD").replace("ONE = 1", "ONE = 2")})
    result = project.run("--torchgraph-all", "-rA")
    failed = {line.split()[1] for line in result.text.splitlines() if line.startswith("FAILED ")}
    names = ("TestCase::test_two", "TestCase::test_raises", "TestCase::test_skips", "TestCase::test_parts")
    assert failed == {f"test_m.py::{name}" for name in (*names, "test_subtests")}
    assert "test_m.py::TestCase::test_two: 2 checks failed" in result.text
    assert "AssertionError: 1 != 2" in result.text
    for name in (*names, "test_subtests"):
        assert f"test_m.py::{name}: +1 aten.clone (0 -> 1)" in result.text
