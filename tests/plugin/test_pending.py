"""What a failed check leaves for review, and when it goes away."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.plugin.location import WAITING
from pytest_torchgraph.snapshot.pending import pending_path, read_pending
from tests.plugin.test_storage import CHAIN, COPIED, FILE

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

NEW = FILE + ".new"


@pytest.fixture
def drifted(project: Project) -> Project:
    """A project whose one test has drifted."""
    project.write({"test_m.py": CHAIN})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": COPIED})
    return project


def test_a_drift_waits_beside_its_snapshot_and_the_summary_says_so(drifted: Project) -> None:
    result = drifted.run()
    assert result.outcomes() == {"failed": 1}
    assert list(drifted.snapshots()) == [FILE, NEW]
    assert result.section()[-1] == "1 to review without another run: torchgraph review, accept or reject"
    pending = read_pending(drifted.snapshots()[NEW], NEW)
    assert pending.test == "test_m.py::test_chain"
    (change,) = pending.changes
    assert change.title == "+1 aten.clone (0 -> 1)"
    assert change.places == ("layer  +clone of %add f32[2,16]",)
    assert result.section()[0] == f"drifted snapshots/{FILE}: {change.title} (change {change.fingerprint})"
    assert pending.cost in result.text


def test_accepting_it_writes_what_an_update_would(
    drifted: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drifted.run()
    monkeypatch.chdir(drifted.path)
    assert main(["accept"]) == 0
    assert capsys.readouterr().out == f"accepted snapshots/{FILE}\n"
    accepted = drifted.snapshots()
    assert list(accepted) == [FILE]
    result = drifted.run("--torchgraph-update")
    assert result.section() == ["unchanged 1, nothing to update"]
    assert drifted.snapshots() == accepted


@pytest.mark.parametrize("how", ["passes again", "is updated"])
def test_it_goes_when_the_test(drifted: Project, how: str) -> None:
    drifted.run()
    if how == "passes again":
        drifted.write({"test_m.py": CHAIN})
        assert drifted.run().code == 0
    else:
        assert drifted.run("--torchgraph-update").code == 0
    assert list(drifted.snapshots()) == [FILE]


def test_it_goes_with_a_snapshot_that_is_unused(drifted: Project) -> None:
    drifted.run()
    drifted.write({"test_m.py": "def test_other():\n    pass\n"})
    result = drifted.run("--torchgraph-update")
    assert result.section()[0].startswith(f"removed snapshots/{FILE}")
    assert drifted.snapshots() == {}


def test_nothing_waits_in_ci(drifted: Project) -> None:
    result = drifted.run(CI="true")
    assert list(drifted.snapshots()) == [FILE]
    assert "review" not in result.text


def test_it_is_no_unused_snapshot_of_this_plugin_or_of_syrupy(drifted: Project) -> None:
    """The folder lies where syrupy looks for its own, and its own snapshots are judged beside it."""
    own = "\n    def test_own(snapshot):\n        assert 1 == snapshot\n"
    folder = "[pytest]\ntorchgraph_snapshot_dir = __snapshots__\n"
    drifted.write({"test_m.py": CHAIN + own, "pytest.ini": folder})
    assert drifted.run("--snapshot-update").code == 0
    drifted.write({"test_m.py": COPIED + own})
    waiting = drifted.path / "__snapshots__" / NEW
    assert drifted.run().outcomes() == {"failed": 1, "passed": 1}
    assert waiting.exists()
    result = drifted.run("-k", "own")
    assert result.code == 0, result.text
    result = drifted.run()
    assert "snapshot unused" not in result.text
    assert not any(line.startswith("unused") for line in result.section())
    assert waiting.exists()


def test_workers_leave_what_waits_each_for_its_tests(project: Project) -> None:
    many = """
        import pytest
        from stubs import *

        @pytest.mark.parametrize("n", range(6))
        def test_many(torch_graph, n):
            torch_graph.check(graph(*[ADD] * (n + 1), RELU))
    """
    project.write({"test_m.py": many})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": many.replace("RELU", "CLONE, RELU")})
    result = project.run("-p", "xdist.plugin", "-n", "2")
    waiting = [name for name in project.snapshots() if name.endswith(".new")]
    assert len(waiting) == 6
    assert result.section()[-1].startswith("6 to review")
    changes = {read_pending(text, name).changes for name, text in project.snapshots().items() if name in waiting}
    assert len({change.fingerprint for (change,) in changes}) == 1
    project.write({"test_m.py": many})
    assert project.run("-p", "xdist.plugin", "-n", "2").code == 0
    assert not any(name.endswith(".new") for name in project.snapshots())


def test_where_it_cannot_be_written_the_failure_shows_and_says_so(drifted: Project) -> None:
    (drifted.path / "snapshots" / NEW / "occupied").mkdir(parents=True)
    result = drifted.run()
    assert result.outcomes() == {"failed": 1}
    assert "aten.clone" in result.text
    assert f"  not kept for review: snapshots/{NEW} cannot be written: Is a directory" in result.text.splitlines()
    assert "Traceback" not in result.text
    assert not list(drifted.path.rglob("*.tmp"))
    assert not any("review" in line for line in result.section())


def test_what_does_not_repeat_does_not_wait(drifted: Project) -> None:
    calls = f"calls({', '.join('graph(ADD' + ', CLONE' * more + ')' for more in (1, 2, 3, 4, 5))})"
    drifted.write({"test_m.py": CHAIN.replace("lambda: graph(ADD, MUL)", calls)})
    assert drifted.run().outcomes() == {"failed": 1}
    assert list(drifted.snapshots()) == [FILE]


def test_what_a_reviewer_accepted_stays_accepted_when_the_test_runs_again(
    drifted: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted.write({"test_m.py": COPIED.replace("CLONE", "CLONE, RELU")})
    drifted.run()
    first = read_pending(drifted.snapshots()[NEW], NEW)
    assert len(first.changes) == 2
    monkeypatch.chdir(drifted.path)
    assert main(["accept", "--change", first.changes[0].fingerprint]) == 0
    drifted.run()
    assert read_pending(drifted.snapshots()[NEW], NEW).accepted == (first.changes[0].fingerprint,)


def ids(pattern: str, text: str) -> list[str]:
    return re.findall(pattern, text, re.MULTILINE)


def test_a_change_has_one_id_wherever_it_is_shown(
    drifted: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drifted.write({"test_m.py": COPIED.replace("CLONE", "CLONE, RELU")})
    result = drifted.run("-v", *(f"--torchgraph-report=r.{form}" for form in ("md", "html", "json", "txt")))
    known = [change.fingerprint for change in read_pending(drifted.snapshots()[NEW], NEW).changes]
    first = known[0]
    assert len(set(known)) == 2
    assert result.section()[0].endswith(f"(change {first} and 1 more)")
    assert ids(r"^  change (\w+): ", result.text) == known
    (case,) = json.loads((drifted.path / "r.json").read_text("utf-8"))["cases"]
    assert case["outline"]["changes"] == known
    assert [section["change"] for section in case["outline"]["sections"] if section["change"]] == known
    markdown = (drifted.path / "r.md").read_text("utf-8")
    assert f"change <code>{first}</code> and 1 more: " in markdown
    assert ids(r"^  change (\w+): ", markdown) == known
    assert all(f"change {name}: " in (drifted.path / "r.html").read_text("utf-8") for name in known)
    monkeypatch.chdir(drifted.path)
    assert main(["review", "--list"]) == 1
    listed = capsys.readouterr().out
    assert ids(r"^change (\w+): ", listed) == ids(r"accept --change (\w+)$", listed) == known
    for command in ids(r"accept: torchgraph (.+)$", listed):
        assert main(command.split()) == 0
    assert list(drifted.snapshots()) == [FILE]
    assert drifted.run().code == 0


def test_an_environment_that_differs_comes_first_in_the_summary(drifted: Project) -> None:
    drifted.write({"test_m.py": COPIED.replace("ADD, CLONE, MUL", "ADD, CLONE, MUL, torch='2.15.0'")})
    assert drifted.run().section()[0] == "environment: recorded with torch 2.13.0, running 2.15.0 (1 drifted)"


def test_the_help_names_the_pattern_that_git_should_ignore(project: Project) -> None:
    assert "*.torchgraph.new" in project.run("--help").text


def test_the_plugin_and_the_command_agree_where_it_lies(drifted: Project) -> None:
    path = drifted.path / "snapshots" / FILE
    assert pending_path(path).name == path.name + WAITING
