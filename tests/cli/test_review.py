"""``torchgraph review``, ``accept`` and ``reject``: change by change, without PyTorch."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.snapshot.pending import Pending, WaitingChange, digest, pending_path, read_pending, write_pending
from tests.cli.test_diff import COPIED
from tests.cli.test_show import SNAPSHOT

CLONE = WaitingChange(
    fingerprint="3f2a0001",
    title="+4 aten.clone (0 -> 4)",
    places=("layers.* ×4  +clone of %q f32[2,16]   model.py:8",),
    hint="a view is copied",
)
STRIDE = WaitingChange(fingerprint="3fbb0002", title="mm: stride of result 0 [1] -> [2]")
RELU = WaitingChange(fingerprint="77aa0003", title="+1 aten.relu (0 -> 1)")
ENVIRONMENT = "recorded with torch 2.13.0, running 2.15.0"


def waits(name: str, *changes: WaitingChange, folder: str = "snapshots") -> Path:
    """A snapshot, and beside it what waits."""
    path = Path(folder, f"{name}.torchgraph")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SNAPSHOT, encoding="utf-8")
    pending = Pending(
        test=f"test_m.py::{name}",
        before=digest(SNAPSHOT.encode()),
        changes=changes,
        environment=(ENVIRONMENT,),
        cost="ops 1 -> 2",
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
        "3 snapshots wait for review, with 3 changes\n"
        f"environment: {ENVIRONMENT} (3 of the snapshots)\n"
        "\n"
        "change 3f2a0001: 3 tests, +4 aten.clone (0 -> 4)\n"
        "  for example test_m.py::one\n"
        "    layers.* ×4  +clone of %q f32[2,16]   model.py:8\n"
        "  hint: a view is copied\n"
        "  accept: torchgraph accept --change 3f2a0001\n"
        "\n"
        "change 3fbb0002: 3 tests, mm: stride of result 0 [1] -> [2]\n"
        "  for example test_m.py::one\n"
        "  accept: torchgraph accept --change 3fbb0002\n"
        "\n"
        "change 77aa0003: 1 test, +1 aten.relu (0 -> 1)\n"
        "  in test_m.py::three\n"
        "  accept: torchgraph accept --change 77aa0003\n"
    )


@pytest.mark.usefixtures("three")
def test_what_is_accepted_is_listed_no_more_and_the_id_of_each_change_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["accept", "--change", "3f2a0001"])
    capsys.readouterr()
    assert main(["review", "--list"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("3 snapshots wait for review, with 2 changes (1 more is accepted)\n")
    assert re.findall(r"^change (\w+)", told, re.MULTILINE) == ["3fbb0002", "77aa0003"]
    assert re.findall(r"--change (\w+)$", told, re.MULTILINE) == ["3fbb0002", "77aa0003"]
    assert "3f2a0001" not in told
    assert main(["review", "--change", "3f2a0001"]) == 0
    assert capsys.readouterr().out.startswith("this is accepted already")


def settles(name: str) -> Path:
    """A snapshot that waits with one change, which a reviewer has accepted before its test ran again."""
    path = waits(name, CLONE)
    pending = read_pending(pending_path(path).read_text("utf-8"), str(path))
    pending_path(path).write_text(write_pending(pending.accepting(frozenset({CLONE.fingerprint}))), encoding="utf-8")
    return path


@pytest.mark.parametrize("verb", [["review"], ["review", "--list"]])
def test_what_waits_with_accepted_changes_only_is_told_with_what_applies_it(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    settles("one")
    assert main(verb) == 1
    told = capsys.readouterr().out
    assert told == "1 snapshot waits with accepted changes only; apply it: torchgraph accept\n"
    assert main([*verb, "snapshots"]) == 1
    told = capsys.readouterr().out
    assert told.endswith("; apply it: torchgraph accept snapshots\n")
    assert main(told.strip().rpartition("torchgraph ")[2].split()) == 0
    assert waiting() == []
    assert main(verb) == 0


@pytest.mark.parametrize("count", [2, 12])
def test_beside_open_changes_only_what_is_accepted_is_applied(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(count):
        settles(f"n{number}")
    waits("open", RELU)
    assert main(["review", "--list"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("1 snapshot waits for review, with 1 change")
    assert told[2].startswith(f"{count} snapshots wait with accepted changes only; apply them: torchgraph accept ")
    assert main(["accept", *told[2].rpartition("torchgraph accept ")[2].split()]) == 0
    assert waiting() == ["open"]


@pytest.mark.usefixtures("three")
def test_one_change_can_be_listed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "--list", "--change", "77"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("1 snapshot waits for review, with 1 change\n")
    assert "3f2a0001" not in told


def test_of_many_places_a_list_tells_three(capsys: pytest.CaptureFixture[str]) -> None:
    waits("one", replace(CLONE, places=tuple(f"layers.{n}  +clone   model.py:{n}" for n in range(5))))
    main(["review", "--list"])
    told = capsys.readouterr().out
    assert "    layers.2  +clone   model.py:2\n    and 2 more places\n  hint: a view" in told


@pytest.mark.usefixtures("three")
def test_a_snapshot_with_further_changes_goes_on_waiting_and_what_is_left_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["accept", "--change", "3f2a"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        (
            "1 of 3 changes accepted; 2 wait in 3 snapshots: fix them and run the tests again, "
            "or accept the rest: torchgraph accept --change 3fbb0002 --change 77aa0003"
        ),
    ]
    assert main(["accept", "--change", "3FBB"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "accepted snapshots/one.torchgraph",
        "accepted snapshots/vast/two.torchgraph",
        (
            "2 of 3 changes accepted; 1 waits in snapshots/three.torchgraph: fix it and run the test again, "
            "or accept the rest: torchgraph accept --change 77aa0003"
        ),
    ]
    assert waiting() == ["three"]
    assert Path("snapshots/one.torchgraph").read_text("utf-8") == COPIED
    assert Path("snapshots/three.torchgraph").read_text("utf-8") == SNAPSHOT
    assert main(["accept", "--change", "77"]) == 0
    assert Path("snapshots/three.torchgraph").read_text("utf-8") == COPIED
    assert waiting() == []


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
def test_rejecting_a_change_drops_every_file_that_has_it_and_says_what_went_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["reject", "--change", "77aa0003"]) == 0
    assert waiting() == ["one", "two"]
    assert capsys.readouterr().out.splitlines() == [
        "rejected snapshots/three.torchgraph",
        "with 2 other changes, which wait again once the tests have run",
    ]


@pytest.mark.parametrize("verb", ["accept", "reject", "review"])
def test_with_nothing_that_waits_each_says_so(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".venv").mkdir()
    Path(".venv/pyvenv.cfg").touch()
    waits("another's", CLONE, folder=".venv/snapshots")
    assert main([verb]) == 0
    assert capsys.readouterr().out == "nothing waits for review below this folder\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["accept", "--change", "beef"], "no snapshot waits with a change 'beef'; changes that wait: 3f2a0001"),
        (["reject", "--change", ""], "no snapshot waits with a change ''"),
        (["accept", "--change", "3f"], "change 3f could be any of 3f2a0001, 3fbb0002"),
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
    said = capsys.readouterr().err
    assert "snapshots/one.torchgraph.new" in said
    assert "or drop it: torchgraph reject FILE" in said
    assert path.exists()
    assert main(["reject", "snapshots"]) == 2
    assert main(["reject", str(path)]) == 0
    assert not path.exists()


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
    code, shown = asked("x", "t", "a", "a", "r")
    assert code == 0
    assert "change 3f2a0001: 3 tests, +4 aten.clone" in shown
    assert "  cost: with its 1 other change, ops 1 -> 2\n" in shown
    assert "accepted change 3f2a0001\n" in shown
    assert "  test_m.py::three\n" in shown
    assert "rejected snapshots/three.torchgraph" in shown
    assert "nothing waits any more" in shown
    assert waiting() == []
    assert Path("snapshots/one.torchgraph").read_text("utf-8") == COPIED
    assert Path("snapshots/three.torchgraph").read_text("utf-8") == SNAPSHOT


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("key", ["?", "x", "yes", ""])
def test_a_key_that_is_no_answer_explains_the_keys_and_it_asks_again(key: str) -> None:
    _, shown = asked(key, "q")
    assert re.findall(r"  (\S)  \w.*\n", shown) == list("arsARtdq?")
    assert shown.count("quit [q], help [?]? ") == 2
    assert waiting() == ["one", "three", "two"]


def test_at_its_end_it_tells_what_waits_with_accepted_changes_only() -> None:
    path = settles("one")
    waits("open", RELU)
    code, shown = asked("a")
    assert code == 1
    assert "nothing waits any more" not in shown
    assert shown.endswith(f"1 snapshot waits with accepted changes only; apply it: torchgraph accept {path}\n")
    assert waiting() == ["one"]


def test_it_asks_only_about_what_is_not_accepted_yet() -> None:
    waits("one", CLONE, STRIDE, RELU)
    main(["accept", "--change", "3f2a"])
    code, shown = asked("a", "s")
    assert code == 1
    assert "3f2a0001" not in shown
    assert "aten.clone" not in shown
    assert re.findall(r"^change (\w+)", shown, re.MULTILINE) == ["3fbb0002", "77aa0003"]
    assert "\n1 change in 1 snapshot still waits for review\n" in shown


@pytest.mark.parametrize(
    ("keys", "left", "code"),
    [
        (("s", "q"), ["one", "three", "two"], 1),
        (("a", "a", "q"), ["three"], 1),
        (("r",), [], 0),
        (("A",), [], 0),
        (("R",), [], 0),
        (("s", "s", "R"), ["one", "two"], 1),
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
    assert "2 of 3 changes accepted; 1 waits in 200 snapshots: fix it and run the tests again, or" in shown
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
