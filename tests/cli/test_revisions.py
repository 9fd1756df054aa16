"""``torchgraph diff REVISION [REVISION] [-- PATH ...]``: snapshot files straight from git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from tests.cli.test_diff import COPIED
from tests.cli.test_show import SNAPSHOT

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
SETTINGS = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")


def git(*arguments: str) -> None:
    subprocess.run(["git", *SETTINGS, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S607


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits: in the second one file drifts, one comes, one goes, and one changes in nothing compared."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapshots/deep").mkdir(parents=True)
    git("init", "-q")
    for name in ("deep/drifts é", "goes", "stays", "noted"):
        (tmp_path / f"snapshots/{name}.torchgraph").write_text(SNAPSHOT, encoding="utf-8")
    (tmp_path / "other.txt").write_text("1", encoding="utf-8")
    git("add", "-A")
    git("commit", "-qm", "one")
    (tmp_path / "snapshots/deep/drifts é.torchgraph").write_text(COPIED, encoding="utf-8")
    (tmp_path / "snapshots/comes.torchgraph").write_text(SNAPSHOT, encoding="utf-8")
    (tmp_path / "snapshots/noted.torchgraph").write_text(SNAPSHOT.replace("2.13.0", "2.15.0"), encoding="utf-8")
    (tmp_path / "snapshots/goes.torchgraph").unlink()
    (tmp_path / "other.txt").write_text("2", encoding="utf-8")
    git("add", "-A")
    git("commit", "-qm", "two")
    return tmp_path


def test_two_revisions_are_compared_file_by_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "HEAD~1", "HEAD"]) == 1
    shown = capsys.readouterr().out
    assert "snapshots/deep/drifts é.torchgraph: +1 aten.clone (0 -> 1)\n" in shown
    assert "snapshots/comes.torchgraph: added\n" in shown
    assert "snapshots/goes.torchgraph: removed\n" in shown
    assert shown.endswith("4 graphs: 1 drifted, 1 added, 1 removed, 1 unchanged\n")
    assert "stays" not in shown
    assert "other.txt" not in shown


def test_one_revision_is_compared_with_the_files_as_they_lie(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["diff", "HEAD"]) == 0
    assert capsys.readouterr() == ("", "no snapshot file differs\n")
    (repository / "snapshots/stays.torchgraph").write_text(COPIED, encoding="utf-8")
    monkeypatch.chdir(repository / "snapshots")
    assert main(["diff", "HEAD"]) == 1
    assert capsys.readouterr().out.startswith("snapshots/stays.torchgraph: +1 aten.clone (0 -> 1)\n")


def test_paths_narrow_it_down(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "HEAD~1", "HEAD", "--", "snapshots/noted.torchgraph", "other.txt"]) == 0
    assert capsys.readouterr().out.startswith("snapshots/noted.torchgraph: no change\n")
    assert main(["diff", "HEAD~1", "--", "snapshots/deep"]) == 1
    assert capsys.readouterr().out.count(".torchgraph:") == 1
    assert main(["diff", "HEAD~1", "--", "snapshots/goes.torchgraph"]) == 1


def test_names_to_ignore_are_those_of_any_of_the_files(capsys: pytest.CaptureFixture[str], repository: Path) -> None:
    other = SNAPSHOT.replace(
        "  relu(%x) f32[2,16]\n  return %relu", "  head: ReLU = relu(%x) f32[2,16]\n  return %head"
    )
    (repository / "snapshots/stays.torchgraph").write_text(other, encoding="utf-8")
    assert main(["diff", "HEAD~1", "--ignore", "head", "--ignore", "aten.clone"]) == 1
    assert "drifts é.torchgraph: +1 aten.clone" not in capsys.readouterr().out
    assert main(["diff", "HEAD~1", "--ignore", "tail"]) == 2
    assert "'tail'" in capsys.readouterr().err


def test_as_json_it_is_one_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "HEAD~1", "HEAD", "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert {case["test"]: case["status"] for case in report["cases"]} == {
        "snapshots/deep/drifts é.torchgraph": "drift",
        "snapshots/comes.torchgraph": "added",
        "snapshots/goes.torchgraph": "removed",
        "snapshots/noted.torchgraph": "same",
    }
    assert main(["diff", "HEAD", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["cases"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("absent",), "'absent' is neither a file nor a revision"),
        (("--", "absent"), "required: A"),
        (("HEAD", "absent"), "'absent' is neither a file nor a revision"),
        (("HEAD", "--", "absent"), "absent is neither here nor in HEAD"),
        (("snapshots/stays.torchgraph",), "give the second, or a git revision"),
    ],
)
def test_what_git_does_not_have_is_one_message(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    try:
        code = main(["diff", *arguments])
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    assert words in capsys.readouterr().err


def test_outside_a_repository_and_on_a_broken_file_it_says_so(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "snapshots/stays.torchgraph").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    assert main(["diff", "HEAD"]) == 2
    assert "snapshots/stays.torchgraph" in capsys.readouterr().err
    monkeypatch.setenv("GIT_DIR", str(repository / "nowhere"))
    assert main(["diff", "HEAD"]) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_it_imports_no_pytorch() -> None:
    program = (
        "import sys; from pytest_torchgraph.cli.main import main; main(['diff', 'HEAD~1']); "
        "sys.exit(bool({'torch', 'pytest', 'syrupy'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, stdout=subprocess.DEVNULL)


def test_the_history_of_a_file_names_the_commits_that_moved_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "snapshots/deep/drifts é.torchgraph", "snapshots/noted.torchgraph"]) == 0
    drifts, noted = capsys.readouterr().out.split("\n\n")
    name, head, newest, oldest = drifts.splitlines()
    assert name == "snapshots/deep/drifts é.torchgraph"
    assert head.split() == ["commit", "date", "ops", "copies", "saved", "peak", "flops", "subject"]
    assert (newest.split()[2], newest.split()[-1]) == ("2", "two")
    assert (oldest.split()[2], oldest.split()[-1]) == ("1", "one")
    assert len(noted.splitlines()) == 3  # the second commit changed only what is not compared


def test_the_history_of_a_removed_file_ends_with_its_removal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "snapshots/goes.torchgraph"]) == 0
    assert "removed" in capsys.readouterr().out.splitlines()[2]
    assert main(["history", "absent.torchgraph"]) == 2
    assert "absent.torchgraph is neither here nor in git's history" in capsys.readouterr().err


def test_a_commit_whose_snapshot_cannot_be_read_does_not_end_a_history(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "snapshots/stays.torchgraph").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    git("commit", "-qam", "three")
    assert main(["history", "snapshots/stays.torchgraph"]) == 0
    _, _, newest, oldest = capsys.readouterr().out.splitlines()
    assert "unreadable" in newest
    assert oldest.split()[2] == "1"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_history_is_drawn(suffix: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="the extra drawing is not installed")
    files = [f"snapshots/{name}.torchgraph" for name in ("deep/drifts é", "goes")]
    assert main(["history", *files, "--plot", f"h.{suffix}"]) == 0
    assert capsys.readouterr().out == f"wrote h.{suffix}\n"
    drawn = (repository / f"h.{suffix}").read_bytes()
    assert main(["history", *files, "--plot", f"again.{suffix}"]) == 0
    assert (repository / f"again.{suffix}").read_bytes() == drawn
    if suffix == "svg":
        text = drawn.decode()
        told = ("deep/drifts é", "ops", "peak", "128 B", *map(str, (1, 2)))
        assert [word for word in told if f">{word}<" not in text and word not in text] == []
        assert ">saved<" not in text  # no commit records it
    else:
        assert drawn.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("plot", "words"),
    [
        ("h.jpg", "--plot writes .png and .svg files, and h.jpg is none"),
        ("h", "--plot writes .png and .svg files"),
        ("absent/h.png", "there is no folder absent"),
        ("folder.png", "folder.png cannot be written: Is a directory"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_one_message(
    plot: str, words: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the extra drawing is not installed")
    (repository / "folder.png").mkdir()
    assert main(["history", "snapshots/noted.torchgraph", "--plot", plot]) == 2
    assert words in capsys.readouterr().err


def test_without_matplotlib_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_torchgraph.cli.verbs.snapshots.history.find_spec", lambda _: None)
    assert main(["history", "snapshots/noted.torchgraph", "--plot", "h.png"]) == 2
    assert "pip install 'pytest-torchgraph[drawing]'" in capsys.readouterr().err
    assert main(["history", "snapshots/noted.torchgraph"]) == 0


@pytest.mark.parametrize("text", ["HEAD~1..HEAD", "HEAD~1..", "HEAD~1...HEAD"])
def test_a_range_is_its_two_ends(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", "HEAD~1", "HEAD"])
    told = capsys.readouterr().out
    assert main(["diff", text]) == 1
    assert capsys.readouterr().out == told
    assert main(["diff", text, "--", "snapshots/deep"]) == 1
    assert capsys.readouterr().out.count(".torchgraph:") == 1


def test_three_dots_begin_where_both_come_from(capsys: pytest.CaptureFixture[str], repository: Path) -> None:
    git("branch", "other", "HEAD~1")
    git("checkout", "-q", "other")
    (repository / "snapshots/stays.torchgraph").write_text(COPIED, encoding="utf-8")
    git("commit", "-qam", "three")
    assert main(["diff", "@{-1}...other"]) == 1
    assert [line for line in capsys.readouterr().out.splitlines() if line[0] != " "] == [
        "snapshots/stays.torchgraph: +1 aten.clone (0 -> 1)"
    ]
    assert main(["diff", "other..@{-1}"]) == 1
    assert "5 graphs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("absent..HEAD", "torchgraph: 'absent' is neither a file nor a revision.\n"),
        ("HEAD..absent", "torchgraph: 'absent' is neither a file nor a revision.\n"),
        ("..", "torchgraph: '..' is neither a file nor a revision.\n"),
        ("../absent.torchgraph", "torchgraph: ../absent.torchgraph is one file"),
    ],
)
def test_a_range_that_is_none_is_named_as_it_was_given(
    text: str, words: str, capsys: pytest.CaptureFixture[str], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert main(["diff", text]) == 2
    assert capsys.readouterr().err.startswith(words)


def test_the_history_of_a_folder_is_that_of_each_file_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "snapshots"]) == 0
    told = capsys.readouterr().out
    names = ["comes", "deep/drifts é", "noted", "stays"]
    assert [part.splitlines()[0] for part in told.split("\n\n")] == [f"snapshots/{name}.torchgraph" for name in names]
    Path("empty").mkdir()
    assert main(["history", "empty"]) == 2
    assert capsys.readouterr().err == "torchgraph: empty: git knows no snapshot below this folder.\n"


def test_a_range_narrows_a_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "HEAD~1..HEAD", "snapshots/deep"]) == 0
    _, _, only = capsys.readouterr().out.splitlines()
    assert only.endswith("two")
    assert main(["history", "HEAD..HEAD", "snapshots/stays.torchgraph"]) == 2
    assert capsys.readouterr().err == "torchgraph: snapshots/stays.torchgraph: no commit of HEAD..HEAD touched it.\n"


def test_a_subject_of_any_characters_is_one_line(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "snapshots/stays.torchgraph").write_text(COPIED, encoding="utf-8")
    git("commit", "-qam", "a\x0bb\x0c\u2028c\x1b[2J")
    assert main(["history", "snapshots/stays.torchgraph"]) == 0
    assert capsys.readouterr().out.splitlines()[2].endswith("  a\\x0bb\\x0c\\u2028c\\x1b[2J")


def test_a_shallow_clone_is_told_to_fetch_more(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "-q", "--depth", "1", f"file://{repository}", str(repository / "clone"))
    monkeypatch.chdir(repository / "clone")
    assert main(["diff", "HEAD~1"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("torchgraph: 'HEAD~1' is neither a file nor a revision. This clone is shallow")
    assert "fetch-depth: 0" in told
    assert main(["history", "snapshots/stays.torchgraph"]) == 0
    assert "git fetch --unshallow" in capsys.readouterr().err


def test_a_byte_order_mark_is_no_change(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = repository / "snapshots/stays.torchgraph"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert main(["diff", "HEAD"]) == 0
    assert main(["show", str(path)]) == 0
    assert main(["diff", str(path), "snapshots/noted.torchgraph"]) == 0
    assert "\ufeff" not in capsys.readouterr().out
