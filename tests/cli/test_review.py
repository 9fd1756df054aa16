"""``torchgraph review``, ``accept`` and ``reject``: change by change, without PyTorch."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.snapshot.pending import Pending, WaitingChange, digest, pending_path, read_pending, write_pending
from tests.cli.test_diff import COPIED
from tests.cli.test_show import SNAPSHOT

CLONE = WaitingChange(
    fingerprint="3f2a0001",
    title="+clone of %q f32[2,16]",
    place="layers.* ×4",
    source="model.py:8",
    hint="a view is copied",
)
STRIDE = WaitingChange(fingerprint="3fbb0002", title="mm: stride of result 0 [1] -> [2]")
RELU = WaitingChange(fingerprint="77aa0003", title="+relu of %add f32[2,16]")
ENVIRONMENT = "recorded with torch 2.13.0, running 2.15.0"


def waits(name: str, *changes: WaitingChange, folder: str = "snapshots", drift: str = "") -> Path:
    """A snapshot, and beside it what waits."""
    path = Path(folder, f"{name}.torchgraph")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SNAPSHOT, encoding="utf-8")
    pending = Pending(
        test=f"test_m.py::{name}",
        before=digest(SNAPSHOT.encode()),
        drift=drift or "".join(change.fingerprint[:2] for change in changes).ljust(8, "0"),
        headline="+1 aten.clone (0 -> 1)",
        changes=changes,
        environment=(ENVIRONMENT,),
        report=f"test_m.py::{name}: +1 aten.clone (0 -> 1)\n  layers.* ×4  +clone",
        text=COPIED,
    )
    pending_path(path).write_text(write_pending(pending), encoding="utf-8")
    return path


def waiting() -> list[str]:
    return sorted(path.name.partition(".")[0] for path in Path().rglob("*.new"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def three() -> None:
    """Two snapshots with one change and the stride it brings, and one that has another change as well."""
    waits("one", CLONE, STRIDE)
    waits("two", CLONE, STRIDE, folder="snapshots/vast")
    waits("three", CLONE, STRIDE, RELU)


def test_a_pending_file_holds_what_was_put_in() -> None:
    path = pending_path(waits("one", CLONE, STRIDE))
    pending = read_pending(path.read_text("utf-8"), str(path))
    assert pending.changes == (CLONE, STRIDE)
    assert pending.text == COPIED
    assert write_pending(pending) == path.read_text("utf-8")


@pytest.mark.usefixtures("three")
def test_the_list_goes_change_by_change_the_most_frequent_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "--list"]) == 1
    assert capsys.readouterr().out == (
        "3 snapshots wait for review, with 2 changes\n"
        f"environment: {ENVIRONMENT} (3 of the snapshots)\n"
        "\n"
        "change 3f2a0001: 3 tests, +clone of %q f32[2,16]\n"
        "  hint: a view is copied\n"
        "  with 3fbb0002: mm: stride of result 0 [1] -> [2]\n"
        "  for example test_m.py::one  layers.* ×4  model.py:8\n"
        "  accept: torchgraph accept --change 3f2a0001 --change 3fbb0002\n"
        "\n"
        "change 77aa0003: 1 test, +relu of %add f32[2,16]\n"
        "  for example test_m.py::three\n"
        "  accept: torchgraph accept --change 77aa0003\n"
    )


def test_changes_that_are_all_there_is_are_accepted_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    waits("one", CLONE, STRIDE, drift="beef0001")
    waits("two", CLONE, STRIDE, drift="beef0001")
    main(["review", "--list"])
    assert capsys.readouterr().out.endswith("  accept: torchgraph accept --change beef0001\n")


@pytest.mark.usefixtures("three")
def test_a_snapshot_with_further_changes_goes_on_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "--change", "3f2a", "--change", "3FBB"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "accepted snapshots/one.torchgraph",
        "accepted snapshots/vast/two.torchgraph",
        "waiting with further changes snapshots/three.torchgraph",
    ]
    assert waiting() == ["three"]
    assert Path("snapshots/one.torchgraph").read_text("utf-8") == COPIED
    assert Path("snapshots/three.torchgraph").read_text("utf-8") == SNAPSHOT
    assert main(["accept", "--change", "77"]) == 0
    assert Path("snapshots/three.torchgraph").read_text("utf-8") == COPIED
    assert waiting() == []


@pytest.mark.usefixtures("three")
def test_the_fingerprint_of_a_drift_takes_all_its_changes() -> None:
    assert main(["accept", "--change", "3f3f0000"]) == 0
    assert waiting() == ["three"]


@pytest.mark.usefixtures("three")
def test_paths_choose_files_and_folders(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "snapshots/vast"]) == 0
    assert main(["reject", "snapshots/one.torchgraph"]) == 0
    assert main(["accept", "snapshots/three.torchgraph.new"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "accepted snapshots/vast/two.torchgraph",
        "rejected snapshots/one.torchgraph",
        "accepted snapshots/three.torchgraph",
    ]
    assert Path("snapshots/one.torchgraph").read_text("utf-8") == SNAPSHOT
    assert waiting() == []


@pytest.mark.usefixtures("three")
def test_rejecting_a_change_drops_every_file_that_has_it() -> None:
    assert main(["reject", "--change", "77aa0003"]) == 0
    assert waiting() == ["one", "two"]


@pytest.mark.parametrize("verb", ["accept", "reject", "review"])
def test_with_nothing_that_waits_each_says_so(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".venv").mkdir()
    waits("hidden", CLONE, folder=".venv")
    assert main([verb]) == 0
    assert capsys.readouterr().out == "nothing waits for review below this folder\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["accept", "--change", "beef"], "no snapshot waits with a change 'beef'; changes that wait: 3f2a0001"),
        (["reject", "--change", ""], "no snapshot waits with a change ''"),
        (["accept", "--change", "3f"], "change 3f could be any of 3f2a0001, 3f3f0000, 3f3f7700, 3fbb0002"),
        (["accept", "absent"], "absent: there is no such file or folder"),
        (["reject", "empty"], "empty: nothing there waits for review"),
        (["accept", "snapshots/alone.torchgraph"], "alone.torchgraph: nothing there waits for review"),
        (["review"], "this is no terminal"),
    ],
)
@pytest.mark.usefixtures("three")
def test_a_mistake_is_one_message_and_changes_nothing(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    Path("snapshots/alone.torchgraph").write_text(SNAPSHOT, encoding="utf-8")
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"torchgraph: {words}") or words in said
    assert len(said.splitlines()) == 1
    assert waiting() == ["one", "three", "two"]


def test_a_change_is_unknown_where_nothing_waits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "--change", "3f2a"]) == 2
    assert "no snapshot waits with a change '3f2a'; nothing waits for review" in capsys.readouterr().err


@pytest.mark.usefixtures("three")
def test_a_snapshot_that_changed_meanwhile_is_not_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("snapshots/one.torchgraph").write_text(SNAPSHOT.replace("2.13.0", "2.14.0"), encoding="utf-8")
    assert main(["accept"]) == 2
    assert "snapshots/one.torchgraph has changed since its test ran: run the test again" in capsys.readouterr().err
    assert waiting() == ["one"]


def test_a_snapshot_that_was_checked_out_with_other_line_ends_is_the_same() -> None:
    path = waits("one", CLONE)
    path.write_bytes(SNAPSHOT.replace("\n", "\r\n").encode())
    assert main(["accept"]) == 0
    assert waiting() == []


@pytest.mark.usefixtures("three")
def test_a_folder_that_cannot_be_written_is_one_message_and_the_rest_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def refuses(self: Path, target: Path) -> Path:
        if "vast" in str(target):
            raise PermissionError(13, "Permission denied", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuses)
    assert main(["accept"]) == 2
    said = capsys.readouterr().err
    assert "snapshots/vast/two.torchgraph cannot be written: Permission denied" in said
    assert "accepted snapshots/one.torchgraph" in said
    assert waiting() == ["two"]
    assert Path("snapshots/vast/two.torchgraph").read_text("utf-8") == SNAPSHOT
    assert not list(Path().rglob("*.tmp"))


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "{", '{"torchgraph pending": 1}', '{"torchgraph pending": 99}', SNAPSHOT]
)
@pytest.mark.parametrize("verb", ["accept", "reject", "review"])
def test_a_file_that_holds_no_review_is_named(verb: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = pending_path(waits("one", CLONE))
    path.write_text(text, encoding="utf-8")
    assert main([verb]) == 2
    assert "snapshots/one.torchgraph.new" in capsys.readouterr().err
    assert path.exists()


def test_what_waits_can_be_shown_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    path = waits("one", CLONE)
    assert main(["show", f"{path}.new"]) == 0
    assert capsys.readouterr().out == COPIED
    assert main(["diff", str(path), f"{path}.new"]) == 1
    assert "+1 aten.clone (0 -> 1)" in capsys.readouterr().out


def asked(*keys: str) -> tuple[int, str]:
    """Exit code and what a terminal shows when *keys* are typed into ``torchgraph review``."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "pytest_torchgraph.cli.main", "review"]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    os.write(leader, "".join(f"{key}\n" for key in keys).encode())
    shown = b""
    while True:
        try:
            read = os.read(leader, 65536)
        except OSError:
            break
        if not read:
            break
        shown += read
    os.close(leader)
    return process.wait(timeout=30), shown.decode().replace("\r\n", "\n")


@pytest.mark.usefixtures("three")
def test_on_a_terminal_it_asks_about_each_change() -> None:
    code, shown = asked("x", "t", "a", "r")
    assert code == 0
    assert "change 3f2a0001: 3 tests, +clone" in shown
    assert "    test_m.py::one: +1 aten.clone (0 -> 1)\n" in shown
    assert "  test_m.py::three\n" in shown
    assert "rejected snapshots/three.torchgraph" in shown
    assert "nothing waits any more" in shown
    assert waiting() == []
    assert Path("snapshots/one.torchgraph").read_text("utf-8") == COPIED
    assert Path("snapshots/three.torchgraph").read_text("utf-8") == SNAPSHOT


@pytest.mark.parametrize(
    ("keys", "left", "code"),
    [
        (("s", "q"), ["one", "three", "two"], 1),
        (("a", "q"), ["three"], 1),
        (("r",), [], 0),
        (("A",), [], 0),
        (("R",), [], 0),
        (("s", "R"), ["one", "two"], 1),
    ],
)
@pytest.mark.usefixtures("three")
def test_what_was_answered_is_done_and_the_rest_waits(keys: tuple[str, ...], left: list[str], code: int) -> None:
    assert asked(*keys)[0] == code
    assert waiting() == left


def test_three_hundred_files_are_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(300):
        waits(f"n{number}", CLONE, STRIDE, *([RELU] if number % 3 else []))
    assert main(["review", "--list"]) == 1
    assert main(["accept", "--change", "3f2a0001", "--change", "3fbb0002"]) == 0
    assert main(["accept"]) == 0
    shown = capsys.readouterr().out
    assert "change 3f2a0001: 300 tests" in shown
    assert "accepted 90 more, 100 in all" in shown
    assert "waiting with further changes 190 more, 200 in all" in shown
    assert len(shown.splitlines()) < 60
    assert waiting() == []


@pytest.mark.parametrize("verb", [["accept"], ["reject"], ["review", "--list"]])
def test_none_imports_what_is_slow(verb: list[str]) -> None:
    waits("one", CLONE)
    program = (
        f"import sys; from pytest_torchgraph.cli.main import main; main({verb}); "
        "sys.exit(bool({'torch', 'pytest', 'syrupy', 'vastdiff', 'rich'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, stdout=subprocess.DEVNULL)
