"""Snapshots that no test claims: reported by whole runs, removed only by complete passing ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.plugin.events import Ledger
from pytest_torchgraph.plugin.unused import is_abandoned

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

TESTS = """
    from stubs import *

    def test_kept(torch_graph):
        torch_graph.check(graph(ADD))

    def test_gone(torch_graph):
        torch_graph.check(graph(MUL))
"""
LESS = TESTS.replace("test_gone(torch_graph)", "test_gone_now()").replace("torch_graph.check(graph(MUL))", "pass")
GONE = "test_m/test_gone.torchgraph"
KEPT = "test_m/test_kept.torchgraph"


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with two recorded snapshots in one test file."""
    project.write({"test_m.py": TESTS})
    assert project.run("--torchgraph-update").code == 0
    return project


@pytest.mark.parametrize("xdist", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["alone", "xdist"])
def test_an_unused_snapshot_fails_the_run_and_an_update_removes_it(recorded: Project, xdist: tuple[str, ...]) -> None:
    recorded.write({"test_m.py": LESS})
    result = recorded.run(*xdist)
    assert (result.code, result.outcomes()) == (1, {"passed": 2})
    assert result.section()[0] == f"unused snapshots/{GONE}: of test_m.py::test_gone"
    assert recorded.run("--snapshot-warn-unused", *xdist).code == 0
    assert recorded.run("--torchgraph-update", "--snapshot-no-cleanup", *xdist).code == 0
    assert GONE in recorded.snapshots()
    result = recorded.run("--torchgraph-update", *xdist)
    assert f"removed snapshots/{GONE}: of test_m.py::test_gone" in result.section()
    assert list(recorded.snapshots()) == [KEPT]
    assert recorded.run(*xdist).code == 0


@pytest.mark.parametrize("arguments", [("-k", "kept"), ("test_m.py::test_kept",), ("--snapshot-disable-unused",)])
def test_a_partial_run_says_and_removes_nothing(recorded: Project, arguments: tuple[str, ...]) -> None:
    recorded.write({"test_m.py": LESS})
    assert recorded.run(*arguments).code == 0
    assert recorded.run("--torchgraph-update", *arguments).code == 0
    assert GONE in recorded.snapshots()


def test_deselecting_by_marker_keeps_what_was_deselected(recorded: Project) -> None:
    recorded.write(
        {
            "test_m.py": TESTS.replace(
                "def test_gone", "@__import__('pytest').mark.filterwarnings('error')\n    def test_gone"
            )
        }
    )
    assert recorded.run("-m", "not filterwarnings", "--torchgraph-update").outcomes() == {"passed": 1, "deselected": 1}
    assert GONE in recorded.snapshots()


def test_last_failed_removes_nothing(recorded: Project) -> None:
    broken = LESS.replace("pass", "assert False")
    recorded.write({"test_m.py": broken})
    assert recorded.run().code == 1
    recorded.write({"test_m.py": LESS})
    assert recorded.run("--lf", "--torchgraph-update").code == 0
    assert set(recorded.snapshots()) == {GONE, KEPT}


def test_a_failure_anywhere_keeps_the_unused(recorded: Project) -> None:
    recorded.write({"test_m.py": LESS, "test_other.py": "def test_fails():\n    assert False\n"})
    result = recorded.run("--torchgraph-update")
    assert any(line.startswith(f"unused snapshots/{GONE}") for line in result.section())
    assert GONE in recorded.snapshots()


@pytest.mark.parametrize(
    "instead",
    ["raise RuntimeError('the model fails')", "__import__('pytest').skip()", "__import__('pytest').xfail()"],
    ids=["raises", "skips", "xfails"],
)
def test_a_test_that_ends_before_its_check_keeps_its_snapshot(recorded: Project, instead: str) -> None:
    recorded.write({"test_m.py": TESTS.replace("torch_graph.check(graph(MUL))", instead)})
    result = recorded.run("--snapshot-update")
    assert GONE in recorded.snapshots()
    assert not any("unused" in line for line in result.section())


def test_a_file_that_does_not_import_or_is_ignored_or_skipped_keeps_its_snapshots(recorded: Project) -> None:
    recorded.write({"test_other.py": "def test_other():\n    pass\n"})
    assert recorded.run("--torchgraph-update", "--ignore", "test_m.py").code == 0
    recorded.write({"test_m.py": "import pytest\npytest.skip(allow_module_level=True)\n"})
    assert recorded.run("--torchgraph-update").code == 0
    recorded.write({"test_m.py": "import no_such_module\n"})
    assert recorded.run("--torchgraph-update", "--continue-on-collection-errors").code == 1
    assert set(recorded.snapshots()) == {GONE, KEPT}


def test_a_deleted_test_file_leaves_unused_snapshots_and_no_empty_folder(recorded: Project) -> None:
    (recorded.path / "test_m.py").unlink()
    recorded.write({"test_other.py": "def test_other():\n    pass\n"})
    assert recorded.run().code == 1
    assert recorded.run("--torchgraph-update").code == 0
    assert recorded.snapshots() == {}
    assert not (recorded.path / "snapshots/test_m").exists()


def test_a_renamed_test_is_recognised(recorded: Project) -> None:
    recorded.write({"test_m.py": TESTS.replace("test_gone", "test_here")})
    result = recorded.run()
    assert any("looks like a rename: test_m.py::test_here has the same graph" in line for line in result.section())
    assert recorded.run("--torchgraph-update").code == 0
    assert list(recorded.snapshots()) == ["test_m/test_here.torchgraph", KEPT]


def test_stopping_at_the_first_failure_removes_nothing(recorded: Project) -> None:
    recorded.write({"test_a.py": "def test_fails():\n    assert False\n", "test_m.py": LESS})
    assert recorded.run("-x", "--torchgraph-update").code == 1
    assert GONE in recorded.snapshots()


def test_foreign_files_in_the_folder_are_left_alone(recorded: Project) -> None:
    recorded.write({"snapshots/notes.txt": "mine", "snapshots/odd.torchgraph": "no snapshot at all\n"})
    assert recorded.run().code == 0
    assert recorded.run("--torchgraph-update").code == 0
    assert {"notes.txt", "odd.torchgraph"} <= set(recorded.snapshots())


def test_a_test_is_abandoned_only_when_the_run_has_seen_it(tmp_path: Path) -> None:
    (tmp_path / "m.py").touch()
    ledger = Ledger(collected={"m.py::a", "m.py::b"}, outcomes={"m.py::a": "passed", "m.py::b": "skipped"})
    assert is_abandoned("m.py::a", ledger, tmp_path)
    assert not is_abandoned("m.py::b", ledger, tmp_path)
    assert not is_abandoned("m.py::c", ledger, tmp_path)
    assert is_abandoned("absent.py::c", ledger, tmp_path)
    ledger.clean_modules.add("m.py")
    assert is_abandoned("m.py::c", ledger, tmp_path)
    ledger.faulty_modules.add("m.py")
    assert not is_abandoned("m.py::c", ledger, tmp_path)
