"""Every verb with hostile text, odd streams and wrong paths: nothing raw on the terminal, no traceback."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import VERBS, main
from pytest_torchgraph.snapshot.pending import Pending, WaitingChange, digest, pending_path, write_pending
from pytest_torchgraph.tracking.export import FORMATS
from pytest_torchgraph.words.quoting import quote
from tests.cli.test_diff import COPIED
from tests.cli.test_show import SNAPSHOT

ESCAPE = "\x1b]0;pwned\x07\x9b2J\u202e"
RAW = ("\x1b", "\x07", "\x9b", "\u202e")
ROOT = Path(__file__).parents[2]
HOSTILE = SNAPSHOT.replace("test_m.py::test_m", f"test_m.py::{ESCAPE}").replace("linux", f"linux{ESCAPE}")

NAMES = SNAPSHOT.replace("relu(%x) f32[2,16]", f"{quote(ESCAPE)}: ReLU = relu(%x) f32[2,16]")
NAMES = NAMES.replace("return %relu", f"return %{quote(ESCAPE)}").replace("at relu", f"at {quote(ESCAPE)}")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good snapshot, two hostile ones, one that cannot be read, and one that waits."""
    monkeypatch.chdir(tmp_path)
    write(f"a{ESCAPE}.torchgraph", HOSTILE)
    write("b.torchgraph", HOSTILE.replace("relu(%x)", "clone(%x) f32[2,16]\n  relu(%clone)").replace("ops 1", "ops 2"))
    write("good.torchgraph", SNAPSHOT)
    write("names.torchgraph", NAMES)
    write("bad.torchgraph", SNAPSHOT.replace("  relu", f"  {ESCAPE}relu"))
    write("head.torchgraph", f"{ESCAPE}\n{SNAPSHOT}")
    change = WaitingChange(fingerprint=ESCAPE, title=ESCAPE, places=(ESCAPE,), hint=ESCAPE)
    words = {"test": ESCAPE, "cost": ESCAPE, "environment": (ESCAPE,)}
    pending = Pending(before=digest(SNAPSHOT.encode()), changes=(change,), text=COPIED, **words)  # type: ignore[arg-type]
    write("good.torchgraph.new", write_pending(pending))
    write("rotten.torchgraph.new", ESCAPE)
    write("models.py", f"def fails():\n    raise ValueError({ESCAPE!r})\n\ndef no_model():\n    return {ESCAPE!r}\n")
    write("report.json", '{"format": "torchgraph report", "version": 1, "cases": [{"test": "\\u001b"}]}')
    write("other.json", '{"format": "torchgraph report", "version": "\\u001b", "cases": []}')
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).write_text(text, encoding="utf-8")


LINES = [
    ["show", f"a{ESCAPE}.torchgraph"],
    ["show", "bad.torchgraph"],
    ["show", "head.torchgraph"],
    ["show", "rotten.torchgraph.new"],
    ["show", f"missing{ESCAPE}"],
    ["diff", f"a{ESCAPE}.torchgraph", "b.torchgraph"],
    ["diff", f"a{ESCAPE}.torchgraph", "b.torchgraph", "--format", "md"],
    ["diff", f"a{ESCAPE}.torchgraph", "b.torchgraph", "--format", "json"],
    ["diff", f"a{ESCAPE}.torchgraph", "bad.torchgraph", "-vv"],
    ["diff", ESCAPE],
    *(["diff", "good.torchgraph", "names.torchgraph", "-vv", "--format", form] for form in ("terminal", "md", "json")),
    *(["export", "names.torchgraph", "--format", form] for form in FORMATS if form != "chrome"),
    ["show", "names.torchgraph"],
    ["analyze", "names.torchgraph"],
    ["analyze", "names.torchgraph", "--format", "json"],
    ["git-text", "names.torchgraph"],
    ["git-diff", "x", "good.torchgraph", "0", "0", "names.torchgraph", "0", "0"],
    ["history", f"a{ESCAPE}.torchgraph"],
    ["history", ESCAPE],
    ["review", "--list"],
    ["review", "--list", "--change", ESCAPE],
    ["review", ESCAPE],
    ["accept", "--change", f"x{ESCAPE}"],
    ["accept", ESCAPE],
    ["reject", ESCAPE],
    ["accept"],
    ["reject"],
    ["git-diff", f"a{ESCAPE}.torchgraph", f"a{ESCAPE}.torchgraph", "0", "0", "b.torchgraph", "0", "0"],
    ["git-diff", ESCAPE, "bad.torchgraph", "0", "0", "b.torchgraph", "0", "0"],
    ["git-diff", ESCAPE, "/dev/null", "0", "0", f"a{ESCAPE}.torchgraph", "0", "0"],
    ["git-diff", ESCAPE],
    ["git-text", f"a{ESCAPE}.torchgraph"],
    ["git-text", "bad.torchgraph"],
    ["git-text", "head.torchgraph"],
    ["git-setup"],
    ["pre-commit"],
    ["pre-commit", ESCAPE],
    ["check", f"a{ESCAPE}.torchgraph", "models:fails"],
    ["trace", "models:fails"],
    ["summary", "models:fails"],
    ["summary", "models:no_model"],
    ["prune"],
    ["prune", "--cache", ESCAPE],
    ["trace", "models:no_model"],
    ["trace", f"models:{ESCAPE}"],
    ["analyze", f"a{ESCAPE}.torchgraph"],
    ["analyze", f"a{ESCAPE}.torchgraph", "--format", "json"],
    ["analyze", "bad.torchgraph"],
    ["export", f"a{ESCAPE}.torchgraph", "--format", "dot"],
    ["export", f"a{ESCAPE}.torchgraph", "--format", "csv"],
    ["export", f"a{ESCAPE}.torchgraph", "--format", ESCAPE],
    ["export", "bad.torchgraph"],
    ["plot", f"a{ESCAPE}.torchgraph", "-o", f"x{ESCAPE}"],
    ["plot", "bad.torchgraph", "-o", "x.html"],
    ["report", "merge", "report.json"],
    ["report", "merge", "other.json"],
    ["report", "merge", ESCAPE],
    ["ops", ESCAPE],
    ["autograd", ESCAPE],
    [ESCAPE],
    ["show", "good.torchgraph", ESCAPE],
    ["diff", "--format", ESCAPE],
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line).replace(ESCAPE, "ESC"))
def test_no_escape_of_others_is_printed(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(line)
    except SystemExit as end:
        code = int(end.code or 0)
    told = "".join(capsys.readouterr())
    assert code in (0, 1, 2)
    assert "Traceback" not in told
    assert not [char for char in RAW if char in told], told


def test_the_lines_go_through_every_verb_that_takes_text_of_others() -> None:
    assert {line[0] for line in LINES} >= set(VERBS) - {"demo", "explore", "completion"}


def test_what_is_printed_goes_through_one_room() -> None:
    """But for what has colours, which escapes the words of others before it paints them."""
    painted = {"streams.py", "git_driver.py", "analyze.py", "output.py", "review.py", "show.py"}
    verbs = (ROOT / "pytest_torchgraph/cli").rglob("*.py")
    raw = {file.name for file in verbs if re.search(r"sys\.std(out|err)\.write|\bprint\(", file.read_text("utf-8"))}
    assert raw <= painted


WIDE = SNAPSHOT.replace("relu(%x) f32[2,16]", '"→é": ReLU = relu(%x) f32[2,16]').replace("return %relu", 'return %"→é"')


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> bytes:
    """What the command prints on a stdout of this *encoding*, which takes no other characters."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    assert main(arguments) in (0, 1, 2)
    sys.stdout.flush()
    return raw.getvalue()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-16"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "wide.torchgraph"),
        ("diff", "good.torchgraph", "wide.torchgraph"),
        ("diff", "good.torchgraph", "wide.torchgraph", "--format", "md"),
        ("analyze", "wide.torchgraph"),
        ("review", "--list"),
    ],
    ids=" ".join,
)
def test_any_encoding_of_stdout_will_do(
    encoding: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("wide.torchgraph", WIDE)
    assert printed(monkeypatch, encoding, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [("export", "wide.torchgraph"), ("analyze", "wide.torchgraph", "--format", "json")],
    ids=" ".join,
)
def test_what_is_the_content_of_a_file_is_the_same_in_any_encoding(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("wide.torchgraph", WIDE)
    told = {printed(monkeypatch, name, *arguments) for name in ("cp1252", "ascii", "utf-8")}
    assert len(told) == 1
    assert json.loads(told.pop())


def run(*arguments: str, then: str) -> subprocess.CompletedProcess[bytes]:
    """A command of its own; *then* stands after it in a shell."""
    quoted = " ".join(f"'{part}'" for part in (sys.executable, "-m", "pytest_torchgraph.cli.main", *arguments))
    return subprocess.run(
        ["/bin/bash", "-c", f"{quoted} {then}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("shell", ["| true", ">&- 2>&- <&-", ">/dev/full", "2>&1 | true", "2>/dev/full", "<&-"])
@pytest.mark.parametrize("arguments", [("show", "good.torchgraph"), ("review",)])
def test_streams_that_are_closed_full_or_left_end_in_no_traceback(arguments: tuple[str, ...], shell: str) -> None:
    done = run(*arguments, then=shell)
    assert b"Traceback" not in done.stderr + done.stdout
    assert b"Exception ignored" not in done.stderr


def test_a_full_disk_is_told() -> None:
    done = run("show", "good.torchgraph", then=">/dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith(b"torchgraph: ")
    assert done.stderr.endswith(b"No space left on device.\n")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("kind", ["folder", "beneath a file", "loop"])
@pytest.mark.parametrize(
    "verb",
    [
        ["show", "x.torchgraph"],
        ["diff", "x.torchgraph", "good.torchgraph"],
        ["accept", "x.torchgraph"],
        ["pre-commit", "x.torchgraph"],
        ["git-text", "x.torchgraph"],
        ["analyze", "x.torchgraph"],
        ["export", "good.torchgraph", "-o", "x.torchgraph"],
        ["diff", "good.torchgraph", "good.torchgraph", "--format", "md", "-o", "x.torchgraph"],
        ["report", "merge", "x.torchgraph", "--format", "md"],
    ],
    ids=" ".join,
)
def test_a_path_that_is_no_file_is_one_line(kind: str, verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    given = "x.torchgraph"
    if kind == "folder":
        Path(given).mkdir()
    elif kind == "loop":
        Path(given).symlink_to(given)
    else:
        given = "good.torchgraph/x.torchgraph"
    code = main([given if part == "x.torchgraph" else part for part in verb])
    told = "".join(capsys.readouterr())
    assert (code, told) == (0, "") if verb[0] == "pre-commit" and kind == "folder" else (code in (1, 2))
    assert len(told.splitlines()) <= 1
    assert "Errno" not in told
    assert pending_path(Path("good.torchgraph")).exists()
