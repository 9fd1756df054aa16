"""Accepting never loses a baseline; what cannot be read, or waits for nobody, is told with a way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.snapshot.pending import pending_path, read_pending, write_pending
from tests.cli.test_diff import COPIED
from tests.cli.test_review import CLONE, RELU, asked, waiting, waits
from tests.cli.test_show import SNAPSHOT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "",
        COPIED.removesuffix("end\n"),
        COPIED[:100],
        f"<<<<<<< HEAD\n{COPIED}",
        COPIED.replace("  relu", "=======\n  relu"),
        COPIED.replace("ops 2", "ops 3"),
        COPIED.replace("torchgraph 2", "torchgraph 999"),
        "hello",
    ],
)
def test_no_text_that_is_not_a_whole_snapshot_replaces_one(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = waits("one", CLONE)
    file = pending_path(path)
    file.write_text(file.read_text("utf-8").replace(COPIED, text), encoding="utf-8")
    waits("two", CLONE)
    assert main(["accept"]) == 2
    said = capsys.readouterr().err
    assert "accepted snapshots/two.torchgraph\n" in said
    assert f"{file}, the snapshot in it" in said
    assert f"{path} stays as it is" in said
    assert path.read_text("utf-8") == SNAPSHOT
    assert waiting() == ["one"]
    assert main(said.strip().rpartition("torchgraph ")[2].split()) == 0
    assert waiting() == []


def test_what_waits_is_read_whole_in_a_review_too() -> None:
    path = waits("one", CLONE)
    pending_path(path).write_text(pending_path(path).read_text("utf-8").removesuffix("end\n"), encoding="utf-8")
    code, shown = asked("a")
    assert code == 1
    assert "accepted change" not in shown
    assert f"{path} stays as it is" in shown
    assert path.read_text("utf-8") == SNAPSHOT


@pytest.mark.parametrize("verb", [["review", "--list"], ["accept"], ["reject"], ["reject", "."], ["accept", ""]])
def test_one_rotten_file_keeps_no_other_from_its_review(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pending_path(waits("a-rotten", CLONE)).write_text("{", encoding="utf-8")
    waits("b-good", RELU)
    assert main(verb) == 2
    told = capsys.readouterr()
    assert "a-rotten.torchgraph.new:1: this is nothing that waits for review" in told.err
    if verb[0] == "review":
        assert "change 77aa0003" in told.out
    else:
        assert waiting() == ["a-rotten"]


HEAD = {"torchgraph pending": 1, "test": "t", "before": "", "changes": [], "accepted": [], "environment": []}
HEAD["cost"] = ""
CHANGE = {"fingerprint": "f", "title": "t", "places": [], "hint": ""}


@pytest.mark.parametrize(
    "head",
    [
        {**HEAD, "changes": [{**CHANGE, "title": 3}]},
        {**HEAD, "changes": [{**CHANGE, "places": "abc"}]},
        {**HEAD, "changes": {}},
        {**HEAD, "changes": ["x"]},
        {**HEAD, "accepted": [1]},
        {**HEAD, "test": None},
        {**HEAD, "test": "\ud800"},
        {**HEAD, "more": ""},
        "[" * 100_000,
        '{"torchgraph pending": ' + "9" * 5000 + "}",
        '{"torchgraph pending": NaN}',
    ],
)
def test_a_head_of_other_fields_is_no_review(head: object, capsys: pytest.CaptureFixture[str]) -> None:
    text = head if isinstance(head, str) else json.dumps(head)
    pending_path(waits("one", CLONE)).write_text(f"{text}\n{COPIED}", encoding="utf-8")
    for verb in ("accept", "review", "pre-commit"):
        assert main([verb]) == (1 if verb == "pre-commit" else 2)
        told = "".join(capsys.readouterr())
        assert "this is nothing that waits for review" in told
        assert "torchgraph reject FILE" in told
    assert main(["show", "snapshots/one.torchgraph.new"]) in (0, 2)


@pytest.mark.parametrize("change", ["gone", "other"])
def test_where_the_snapshot_is_another_a_way_out_is_told(change: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = waits("one", CLONE)
    if change == "gone":
        path.unlink()
    else:
        path.write_text(COPIED, encoding="utf-8")
    assert main(["accept"]) == 2
    said = capsys.readouterr().err
    assert f"{path} {'is gone' if change == 'gone' else 'has changed'} since its test ran: run the test again" in said
    assert main(said.strip().rpartition("torchgraph ")[2].split()) == 0
    assert waiting() == []


def owned(test: str, source: str | None, folder: str = "snapshots/tests/test_m") -> Path:
    """A project in which *test* waits; its file has the text *source*."""
    Path("pytest.ini").touch()
    path = waits("one", CLONE, folder=folder)
    file = pending_path(path)
    file.write_text(file.read_text("utf-8").replace("test_m.py::one", test), encoding="utf-8")
    if source is not None:
        Path("tests").mkdir(exist_ok=True)
        Path("tests/test_m.py").write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("test", "source", "why"),
    [
        ("tests/test_m.py::test_a", None, "there is no tests/test_m.py any more"),
        ("tests/test_m.py::test_a[x]", "def test_b(): ...\n", "tests/test_m.py has no test_a any more"),
        ("tests/test_m.py::TestA::test_a", "def test_a(): ...\n", "tests/test_m.py has no TestA any more"),
        ("tests/test_m.py::TestA::test_a", "class TestA:\n    x = 1\n", "tests/test_m.py has no test_a any more"),
        ("tests/test_m.py::test_a", "# test_a went\nx = 'test_a'\n", "tests/test_m.py has no test_a any more"),
        (
            "tests/test_m.py::TestA::test_a",
            "class B: ...\nclass TestA(B): ...\n",
            "tests/test_m.py has no test_a any more",
        ),
    ],
)
def test_what_waits_for_a_test_that_is_gone_is_told_with_a_way_out_and_stops_no_commit(
    test: str, source: str | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = owned(test, source)
    line = f"{path} waits for a test that is gone, {why}: drop what waits with torchgraph reject {path}"
    line += ", and the snapshot, after a run of pytest, with torchgraph prune\n"
    assert main(["pre-commit"]) == 0
    assert capsys.readouterr().out == line
    assert main(["review", "--list"]) == 1
    assert line in capsys.readouterr().out
    assert main(["reject", str(path)]) == 0
    assert main(["pre-commit"]) == 0
    assert path.read_text("utf-8") == SNAPSHOT


@pytest.mark.parametrize(
    ("test", "source"),
    [
        ("tests/test_m.py::test_a", "def test_a(): ...\n"),
        ("tests/test_m.py::test_a[x]", "    if x:\n        def test_a(): ...\n"),
        ("tests/test_m.py::test_a", "from base import *\n"),
        ("tests/test_m.py::test_a", "globals()['test_a'] = 1\n"),
        ("tests/test_m.py::test_ab", "@expand\ndef test_a(): ...\n"),
        ("tests/test_m.py::test_a", "make_tests('a')\n"),
        ("tests/test_m.py::test_a", "def broken(:\n"),
        ("tests/test_m.py::test_m", '""">>> 1\n1\n"""\n'),
        ("tests/test_m.py::test_m.Model", "x = 1\n"),
        ("tests/test_m.py::TestA::test_a", "class TestA(Base): ...\n"),
        ("tests/test_m.py::TestA::test_a", "class TestA(generic.Base[int]): ...\n"),
        ("tests/test_m.txt::x", None),
    ],
)
def test_a_test_that_may_still_be_there_is_waited_for(test: str, source: str | None) -> None:
    owned(test, source)
    if source is None:
        Path("tests").mkdir()
        Path("tests/test_m.txt").touch()
    assert main(["pre-commit"]) == 1


def test_of_a_file_that_lies_elsewhere_nothing_is_claimed() -> None:
    owned("tests/test_m.py::test_a", None, folder="elsewhere")
    assert main(["pre-commit"]) == 1


def test_the_whole_diff_of_each_snapshot_can_be_asked_for() -> None:
    for name in ("one", "two"):
        waits(name, CLONE)
    code, shown = asked("d", "d", "d", "q")
    assert code == 1
    assert shown.count("snapshots/one.torchgraph (1 of 2)\n") == 2
    assert shown.count("snapshots/two.torchgraph (2 of 2)\n") == 1
    assert "+ clone(%x) f32[2,16]" in shown
    assert waiting() == ["one", "two"]


def test_a_diff_that_cannot_be_made_is_told_and_the_review_goes_on() -> None:
    path = waits("one", CLONE)
    path.write_text("hello", encoding="utf-8")
    code, shown = asked("d", "r")
    assert "this is no torchgraph snapshot" in shown
    assert (code, waiting()) == (0, [])


def test_what_is_accepted_in_part_keeps_all_that_waits() -> None:
    path = pending_path(waits("one", CLONE, RELU))
    before = read_pending(path.read_text("utf-8"), "x")
    assert main(["accept", "--change", RELU.fingerprint]) == 0
    after = path.read_text("utf-8")
    assert after == write_pending(before.accepting(frozenset({RELU.fingerprint})))
