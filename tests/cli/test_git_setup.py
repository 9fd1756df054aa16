"""``torchgraph git-setup``: git explains snapshots; ``torchgraph pre-commit``: what must not be committed is not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_torchgraph.cli.main import main, parser
from pytest_torchgraph.cli.verbs.project.git_setup import LINE
from tests.cli.test_diff import COPIED
from tests.cli.test_review import CLONE, settles, waits
from tests.cli.test_show import SNAPSHOT

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
PROJECT = Path(__file__).parents[2]
SETTINGS = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")


def git(*arguments: str, check: bool = True) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "GIT_PAGER": "cat"}
    command = ["git", *SETTINGS, *arguments]
    done = subprocess.run(command, env=environment, check=check, capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one snapshot committed."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    (tmp_path / "snapshots").mkdir()
    write(SNAPSHOT)
    git("add", "-A")
    git("commit", "-qm", "one")
    return tmp_path


def write(text: str) -> None:
    Path("snapshots/a b.torchgraph").write_text(text, encoding="utf-8")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["git-setup", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_git_diff_explains_and_git_log_tells_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys)
    write(COPIED)
    assert git("diff").startswith("snapshots/a b.torchgraph: +1 aten.clone (0 -> 1)\n")
    assert "+  clone(%x)" in git("diff", "--no-ext-diff", "--no-textconv")
    git("add", "-A")
    git("commit", "-qm", "two")
    log = git("log", "-p", "-1")
    assert "\n+1 × aten.clone\n" in log
    assert "\n-ops 1\n+ops 2\n" in log
    assert "\n+  clone(%x) f32[2,16]\n" in log
    assert "snapshots/a b.torchgraph: +1 aten.clone (0 -> 1)\n" in git("log", "-p", "-1", "--ext-diff")


def test_files_that_come_go_or_cannot_be_read_are_said_and_the_next_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said(capsys)
    Path("snapshots/b.torchgraph").write_text(SNAPSHOT.replace("end\n", ""), encoding="utf-8")
    Path("snapshots/c.torchgraph").write_text(SNAPSHOT, encoding="utf-8")
    git("add", "-N", ".")
    Path("snapshots/a b.torchgraph").unlink()
    assert "snapshots/a b.torchgraph -> snapshots/c.torchgraph: no change\n" in git("diff")
    shown = git("diff", "--no-renames")
    assert "snapshots/a b.torchgraph: removed\n" in shown
    assert "snapshots/b.torchgraph:10: the file is cut" in shown
    assert "snapshots/c.torchgraph: added\ntest tests/test_m.py::test_m\n" in shown
    git("commit", "-qam", "two")
    assert "relu(%x) f32[2,16]" in git("log", "-p", "-1")


def test_it_says_what_it_did_and_again_that_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".gitattributes").write_text("*.png binary", encoding="utf-8")
    first = said(capsys)
    assert first[:2] == [
        "set up diff.torchgraph in the configuration of this clone",
        f"added '{LINE}' to .gitattributes: commit it",
    ]
    assert first[2] == "added '*.torchgraph.new' to .gitignore, where drifts wait for torchgraph review: commit it"
    Path(".gitignore").write_text("*.torchgraph.new\n", encoding="utf-8")
    config = Path(".git/config").read_text("utf-8")
    second = said(capsys)
    assert second[:2] == ["diff.torchgraph is set up already", ".gitattributes names it already"]
    assert "gitignore" not in second[-1]
    assert Path(".git/config").read_text("utf-8") == config
    assert Path(".gitattributes").read_text("utf-8") == f"*.png binary\n{LINE}\n"


def test_removing_leaves_everything_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    config = Path(".git/config").read_text("utf-8")
    said(capsys)
    assert said(capsys, "--remove") == [
        "removed diff.torchgraph from the configuration of this clone",
        "removed .gitattributes, which held nothing else",
        "removed .gitignore, which held nothing else",
    ]
    assert Path(".git/config").read_text("utf-8") == config
    assert not Path(".gitattributes").exists()
    assert said(capsys, "--remove") == [
        "diff.torchgraph was not set up",
        ".gitattributes did not name it",
        ".gitignore did not name what waits",
    ]


def test_lines_of_others_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    other = "*.torchgraph diff=torchgraph eol=lf\n"
    Path(".gitattributes").write_text(other, encoding="utf-8")
    assert said(capsys)[1] == ".gitattributes names it already"
    assert said(capsys, "--remove")[1] == ".gitattributes names it with other attributes: left as it is"
    assert Path(".gitattributes").read_text("utf-8") == other
    Path(".gitattributes").write_text(f"*.png binary\n{LINE}\n", encoding="utf-8")
    assert said(capsys, "--remove")[1] == f"removed '{LINE}' from .gitattributes"
    assert Path(".gitattributes").read_text("utf-8") == "*.png binary\n"


def test_below_the_top_folder_it_does_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    monkeypatch.chdir(repository / "snapshots")
    said(capsys)
    assert (repository / ".gitattributes").exists()


@pytest.mark.parametrize("arguments", [(), ("--remove",)])
def test_outside_a_repository_it_is_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    shutil.rmtree(repository / ".git")
    assert main(["git-setup", *arguments]) == 2
    assert capsys.readouterr().err.startswith("torchgraph: git-setup works inside the work tree of a git repository")
    assert not (repository / ".gitattributes").exists()


def test_what_cannot_be_written_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".gitattributes").mkdir()
    assert main(["git-setup"]) == 2
    assert ".gitattributes cannot be read" in capsys.readouterr().err


@pytest.fixture
def conflicted() -> Path:
    """A snapshot that two branches have changed."""
    git("checkout", "-qb", "other")
    write(SNAPSHOT.replace("relu", "gelu"))
    git("commit", "-qam", "other")
    git("checkout", "-q", "main")
    write(COPIED)
    git("commit", "-qam", "main")
    assert "CONFLICT" in git("merge", "other", check=False)
    return Path("snapshots/a b.torchgraph")


ADVICE = "A snapshot is not merged by hand: merge the code, then"


@pytest.mark.parametrize("verb", [["show"], ["diff", "HEAD", "--"], ["check"], ["pre-commit"]])
def test_a_conflicted_merge_says_to_record_again(
    verb: list[str], conflicted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ["tests.cli.test_git_setup:main"] if verb == ["check"] else []
    assert main([*verb, str(conflicted), *rest]) in (1, 2)
    told = "".join(capsys.readouterr())
    assert "a b.torchgraph" in told
    assert ADVICE in told
    assert "pytest --torchgraph-update" in told


def test_git_diff_of_a_conflicted_merge_says_so(conflicted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys)
    shown = git("diff")
    assert "a b.torchgraph" in shown
    assert ADVICE in shown
    assert "pytest --torchgraph-update" in shown


def test_the_hook_lets_sound_snapshots_pass_and_names_each_that_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pre-commit", "snapshots/a b.torchgraph"]) == 0
    assert main(["pre-commit"]) == 0
    waiting = f"{waits('waiting', CLONE)}.new"
    cut, conflicted = Path("cut.torchgraph"), Path("conflicted.torchgraph")
    cut.write_text(SNAPSHOT.replace("end\n", ""), encoding="utf-8")
    conflicted.write_text("<<<<<<< HEAD\n" + SNAPSHOT, encoding="utf-8")
    assert main(["pre-commit", "snapshots/a b.torchgraph", waiting, str(cut), str(conflicted), "gone.torchgraph"]) == 1
    told = capsys.readouterr().out
    assert f"{waiting} waits for review: torchgraph review, then commit the snapshot" in told
    assert told.count(waiting) == 1
    assert "cut.torchgraph:10: the file is cut" in told
    assert "conflicted.torchgraph:1: the file has conflict markers" in told
    assert "gone.torchgraph: No such file" in told
    assert "a b" not in told


def test_what_waits_beside_a_given_snapshot_is_named_and_without_files_what_waits_anywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = waits("waiting", CLONE)
    assert main(["pre-commit", "snapshots/a b.torchgraph"]) == 0
    assert main(["pre-commit", str(waiting)]) == 1
    assert capsys.readouterr().out.startswith(f"{waiting}.new waits for review")
    Path("cut.torchgraph").write_text(SNAPSHOT.replace("end\n", ""), encoding="utf-8")
    assert main(["pre-commit"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("cut.torchgraph:10: the file is cut")
    assert f"\n{waiting}.new waits for review" in told


def test_the_hook_says_what_applies_changes_that_are_all_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    path = settles("one")
    assert main(["pre-commit"]) == 1
    told = capsys.readouterr().out
    assert f"{path}.new waits with accepted changes only: torchgraph accept {path}, then commit the snapshot" in told
    assert main(["accept", str(path)]) == 0
    assert main(["pre-commit"]) == 0


def test_of_many_that_wait_ten_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        waits(f"n{number}", CLONE)
    assert main(["pre-commit"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 11
    assert told[-1] == "and 2 more"


def hook() -> dict[str, Any]:
    (found,) = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    return dict(found)


def commit_with_the_hook(*names: str) -> int:
    """Exit code of the hook on a commit of *names*, called as pre-commit calls it: from the root, if any name fits."""
    git("add", *names)
    staged = [name for name in git("diff", "--cached", "--name-only").splitlines() if re.search(hook()["files"], name)]
    passed = staged if hook().get("pass_filenames", True) else []
    return main([*hook()["entry"].split()[1:], *passed]) if staged else 0


def test_a_commit_of_code_is_refused_while_a_drift_waits_that_git_ignores(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".gitignore").write_text("*.torchgraph.new\n", encoding="utf-8")
    Path("model.py").write_text("width = 8\n", encoding="utf-8")
    assert commit_with_the_hook("model.py", ".gitignore") == 0
    git("commit", "-qm", "model")
    waits("a b", CLONE)
    Path("model.py").write_text("width = 16\n", encoding="utf-8")
    Path("notes.md").write_text("wide\n", encoding="utf-8")
    assert ".new" not in git("status", "--short")
    assert commit_with_the_hook("notes.md") == 0
    assert commit_with_the_hook("model.py") == 1
    assert capsys.readouterr().out.startswith("snapshots/a b.torchgraph.new waits for review")
    assert main(["accept"]) == 0
    assert commit_with_the_hook("model.py", "snapshots") == 0


def test_the_hook_definition_names_a_verb_that_there_is_and_runs_for_code_and_snapshots() -> None:
    assert {"id", "name", "entry", "language", "files"} <= hook().keys()
    command, *words = hook()["entry"].split()
    assert command == "torchgraph"
    assert parser().parse_args([*words, "a.torchgraph"]).files == ["a.torchgraph"]
    names = ("s/a.torchgraph", "s/model.py", "s/a.torchgraphs", "s/torchgraph.pyc", "README.md")
    assert [name for name in names if re.search(hook()["files"], name)] == list(names[:2])


IGNORED = "*.torchgraph.new"


def test_what_waits_is_ignored_for_all_who_clone_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys)
    assert f"added '{IGNORED}' to .gitignore, where drifts wait for torchgraph review: commit it" in told
    assert Path(".gitignore").read_text("utf-8") == f"{IGNORED}\n"
    waits("a", CLONE)
    assert ".new" not in git("status", "--porcelain", "-uall")
    assert f".gitignore ignores {IGNORED} already" in said(capsys)
    assert "removed .gitignore, which held nothing else" in said(capsys, "--remove")
    assert not Path(".gitignore").exists()


@pytest.mark.parametrize("before", [b"a\r\nb\r\n", b"a\nb", b"\xff\x0b x\n", b""])
def test_the_lines_of_others_stay_byte_for_byte(before: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (".gitignore", ".gitattributes"):
        Path(name).write_bytes(before)
    said(capsys)
    end = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"\n" if before and not before.endswith(b"\n") else b""
    assert Path(".gitignore").read_bytes() == before + gap + IGNORED.encode() + end
    assert Path(".gitattributes").read_bytes() == before + gap + LINE.encode() + end
    said(capsys, "--remove")
    left = [Path(name) for name in (".gitignore", ".gitattributes") if Path(name).exists()]
    assert [path.read_bytes() for path in left] == [before + gap] * (2 if before else 0)


def test_what_only_this_user_ignores_is_written_down_and_what_the_project_keeps_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(".git/info").mkdir(exist_ok=True)
    Path(".git/info/exclude").write_text("*.new\n", encoding="utf-8")
    said(capsys)
    assert Path(".gitignore").read_text("utf-8") == f"{IGNORED}\n"
    Path(".gitignore").write_text(f"*.new\n!{IGNORED}\n", encoding="utf-8")
    assert any("is not ignored: left as it is" in line for line in said(capsys))
    assert Path(".gitignore").read_text("utf-8") == f"*.new\n!{IGNORED}\n"


def test_what_waits_and_is_in_git_already_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    waits("a", CLONE)
    git("add", "-f", "snapshots/a.torchgraph.new")
    line = said(capsys)[-1]
    assert line == "snapshots/a.torchgraph.new is in git: git rm --cached ':/*.torchgraph.new' takes that back"
    git("rm", "--cached", ":/*.torchgraph.new")
    assert "snapshots/a.torchgraph.new" not in git("ls-files")
