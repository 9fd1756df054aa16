"""``torchgraph show``: prints what it has checked, without PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.cli.streams import wants_colour
from pytest_torchgraph.cli.verbs.snapshots.show import coloured

SNAPSHOT = """\
torchgraph 2
test tests/test_m.py::test_m
recorded torch 2.13.0, linux x86_64
run eager, eval, cpu
ops 1
peak 128 at relu
forward ReLU
  input x f32[2,16]
  relu(%x) f32[2,16]
  return %relu
end
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A snapshot file."""
    path = tmp_path / "a.torchgraph"
    path.write_text(SNAPSHOT, encoding="utf-8")
    return path


def test_a_snapshot_is_printed_as_it_is_into_a_pipe(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(snapshot)]) == 0
    assert capsys.readouterr().out == SNAPSHOT


def test_colours_change_no_character() -> None:
    import re

    assert "\x1b[" in coloured(SNAPSHOT)
    assert re.sub(r"\x1b\[\d*m", "", coloured(SNAPSHOT)) == SNAPSHOT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"hello\n", "no torchgraph snapshot"),
        (SNAPSHOT.replace("end\n", "").encode(), "a.torchgraph"),
        (SNAPSHOT.replace("torchgraph 2", "torchgraph 3").encode(), "format 3"),
        (b"<<<<<<< HEAD\n" + SNAPSHOT.encode(), "conflict"),
    ],
)
def test_what_cannot_be_read_is_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, words: str
) -> None:
    path = tmp_path / "a.torchgraph"
    if content is not None:
        path.write_bytes(content)
    assert main(["show", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert shown.err.startswith("torchgraph: ")


def test_a_reader_that_leaves_early_is_no_error(snapshot: Path) -> None:
    snapshot.write_text(SNAPSHOT.replace("end\n", "") + "end\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest_torchgraph.cli.main", "show", str(snapshot)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait()


def test_show_starts_without_pytorch(snapshot: Path) -> None:
    code = (
        "import sys; from pytest_torchgraph.cli.main import main; main(sys.argv[1:]);"
        "sys.exit(bool({'torch', 'deepdiff', 'rich', 'pytest'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, "show", str(snapshot)], stdout=-3, check=False).returncode == 0


@pytest.mark.parametrize(
    ("variables", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_are_where_the_terminal_has_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, terminal: bool, coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert wants_colour() is coloured
