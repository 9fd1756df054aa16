"""Any command line ends in an exit code and clear words: no traceback, no escape of others, nothing lost."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.cli.main import main
from tests.cli.test_diff import COPIED
from tests.cli.test_hostile import ESCAPE, NAMES, RAW
from tests.cli.test_review import CLONE, RELU, waits
from tests.cli.test_show import SNAPSHOT

VERBS = (
    *("show", "diff", "history", "review", "accept", "reject", "git-setup", "git-diff", "git-text", "pre-commit"),
    *("analyze", "export", "report", "plot", "completion", "nonsense"),
)
PATHS = (
    *("a.torchgraph", "b.torchgraph", "cut.torchgraph", "bytes.torchgraph", "folder.torchgraph", "loop.torchgraph"),
    *("dangling.torchgraph", f"{ESCAPE}.torchgraph", "a.torchgraph/x", "*.torchgraph", "é", "x" * 300, "\udc80", ""),
    *("snapshots", "sub", "snapshots/one.torchgraph", "snapshots/one.torchgraph.new", "rotten.torchgraph.new"),
    *("r.json", "models:fails", "models:absent", "models.py", ".", "-", "--", "~", "/nonexistent"),
    *("HEAD", "HEAD~1", "HEAD..HEAD", "...", "a..b", "3f2a0001", "77", "out.md", "out.html", "out.json", "/dev/null"),
)
OPTIONS = (
    *("--list", "--change", "--all", "--format", "-o", "-v", "-vv", "--compare", "--tolerance", "--ignore", "--plot"),
    *("--same", "a=b", "*=*", "="),
    *("--remove", "--warmup", "--backward", "--loss", "--depth", "--timing", "--picture", "--by", "--before"),
    *("--help", "--version", "json", "md", "csv", "dot", "counts", "5%", "-1", "9" * 30, "merge", "bash"),
)
LINES = st.tuples(st.sampled_from(VERBS), st.lists(st.sampled_from(PATHS + OPTIONS), max_size=4))


def fill(folder: Path) -> None:
    """A repository with good files, bad ones, and some that wait."""
    Path("pytest.ini").touch()
    waits("one", CLONE, RELU)
    waits("two", CLONE, folder="sub/snapshots")
    texts = {"a": SNAPSHOT, "b": COPIED, "cut": SNAPSHOT[:-8], ESCAPE: NAMES}
    for name, text in texts.items():
        Path(f"{name}.torchgraph").write_text(text, encoding="utf-8")
    Path("bytes.torchgraph").write_bytes(b"\xff\x00\x1b")
    Path("folder.torchgraph").mkdir()
    Path("loop.torchgraph").symlink_to("loop.torchgraph")
    Path("dangling.torchgraph").symlink_to("nowhere")
    Path("rotten.torchgraph.new").write_text("{", encoding="utf-8")
    Path("r.json").write_text('{"format": "torchgraph report", "version": 1, "cases": []}', encoding="utf-8")
    Path("models.py").write_text(f"def fails():\n    raise SystemExit({ESCAPE!r})\n", encoding="utf-8")
    for words in (["init", "-q"], ["add", "a.torchgraph"], ["commit", "-qm", "one"]):
        who = ["-c", "user.name=a", "-c", "user.email=b@c.d", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], check=True, cwd=folder)  # noqa: S607  the user's own git


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@given(st.lists(LINES, min_size=15, max_size=15))
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_line_ends_well(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, list[str]]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("lines")
        patched.chdir(folder)
        patched.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
        fill(folder)
        for verb, words in lines:
            raw = io.BytesIO()
            stream = io.TextIOWrapper(raw, encoding="cp1252", write_through=True)
            for name in ("stdout", "stderr"):
                patched.setattr(sys, name, stream)
            patched.setattr(sys, "stdin", io.StringIO("q\n"))
            try:
                code = main([verb, *words])
            except SystemExit as ended:
                code = int(ended.code or 0)
            told = raw.getvalue().decode("utf-8", errors="replace")
            assert code in (0, 1, 2), (verb, words)
            assert not [char for char in (*RAW, "Traceback", "Errno") if char in told], (verb, words, told)
        assert not list(folder.rglob("*.tmp"))
