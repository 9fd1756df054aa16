"""``torchgraph diff``: exit codes, formats, and a start without PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.cli.review.changes import explained
from pytest_torchgraph.cli.review.waiting import Waiting
from pytest_torchgraph.snapshot.pending import Pending, pending_path
from tests.cli.test_show import SNAPSHOT

COPIED = (
    SNAPSHOT.replace("ops 1\n", "ops 2\n")
    .replace("relu(%x)", "clone(%x) f32[2,16]\n  relu(%clone)")
    .replace("torch 2.13.0", "torch 2.15.0")
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two snapshots, the second with one copy more."""
    paths = tmp_path / "a.torchgraph", tmp_path / "b.torchgraph"
    for path, text in zip(paths, (SNAPSHOT, COPIED), strict=True):
        path.write_text(text, encoding="utf-8")
    return str(paths[0]), str(paths[1])


def test_equal_files_are_the_same(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", files[0], files[0]]) == 0
    assert capsys.readouterr().out == f"{files[0]} -> {files[0]}: no change\n"


def test_a_drift_is_explained_with_the_environment(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *files]) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"{files[0]} -> {files[1]}: +1 aten.clone (0 -> 1)"
    assert rest[0] == "  recorded with torch 2.13.0, running 2.15.0"


def test_what_is_ignored_is_no_drift(files: tuple[str, str]) -> None:
    assert main(["diff", *files, "--ignore", "aten.clone", "--ignore", "ops"]) == 0


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("opps", "did you mean 'ops'?"), ("head.*", "neither the graph nor its snapshot has a module call 'head.*'")],
)
def test_what_is_ignored_but_nowhere_is_an_error(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], pattern: str, words: str
) -> None:
    assert main(["diff", *files, "--ignore", pattern]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def rebuilt(tmp_path: Path) -> tuple[str, str]:
    """Two snapshots, the second with a module rebuilt under another name."""
    body = "head: Old(%x)\n    relu(%in0) f32[2,16]\n    sin(%relu) f32[2,16]\n    sigmoid(%sin) f32[2,16]\n"
    whole = SNAPSHOT.replace("ops 1", "ops 3").replace("at relu", "at head").replace("relu(%x) f32[2,16]\n", body)
    before = whole.replace("return %relu", "return %head").replace("forward ReLU", "forward Model")
    after = before.replace("head", "tail").replace("Old", "New").replace("relu", "gelu").replace("sin(", "tanh(")
    paths = tmp_path / "old.torchgraph", tmp_path / "new.torchgraph"
    for path, text in zip(paths, (before, after.replace("%sin", "%tanh")), strict=True):
        path.write_text(text, encoding="utf-8")
    return str(paths[0]), str(paths[1])


def test_modules_that_are_said_to_be_the_same_are_compared(
    rebuilt: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path / "tests")
    assert main(["diff", *rebuilt, "-v"]) == 1
    untold = capsys.readouterr().out
    assert main(["diff", *rebuilt, "-v", "--same", "head=tail"]) == 1
    told = capsys.readouterr().out
    assert "+1 New" in untold
    assert "1 operation swapped: aten.relu -> aten.gelu" in told
    assert "New (" not in told
    assert "module renamed: head -> tail" in told
    assert told.count("hint: the two are said to be the same module, by --same or torchgraph_same [renamed]") == 2
    assert "same work" not in told
    assert "the work is the same" not in told
    ini = tmp_path / "pytest.ini"
    ini.write_text("[pytest]\ntorchgraph_same =\n    head=tail\n    absent=gone\n", encoding="utf-8")
    assert main(["diff", *rebuilt, "-v"]) == 1
    assert capsys.readouterr().out == told


def test_git_and_a_review_match_by_the_setting_too(
    rebuilt: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old, new = (Path(path).read_text("utf-8") for path in rebuilt)
    pending = Pending(test="test_m", before="", changes=(), environment=(), cost="", text=new)
    waiting = Waiting(path=pending_path(Path(rebuilt[0])), pending=pending)

    def told() -> list[str]:
        assert main(["git-diff", "m.torchgraph", rebuilt[0], "1", "100644", rebuilt[1], "2", "100644"]) == 0
        return [capsys.readouterr().out, explained(waiting, colour=False)]

    assert old != new
    assert all("+1 New" in text for text in told())
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_same = head=tail\n", encoding="utf-8")
    assert all("module renamed: head -> tail" in text and "+1 New" not in text for text in told())
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_same = head\n", encoding="utf-8")
    assert main(["git-diff", "m.torchgraph", rebuilt[0], "1", "100644", rebuilt[1], "2", "100644"]) == 0
    assert "expected 'OLD=NEW'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("same", "words"),
    [
        ("haed=tail", "neither graph has a module 'haed'; did you mean 'head'? Modules: head, tail."),
        ("head=tial", "neither graph has a module 'tial'; did you mean 'tail'?"),
        ("head", "expected 'OLD=NEW'"),
        ("head*=tail", "both sides take as many '*'"),
    ],
)
def test_what_cannot_be_the_same_is_an_error(
    rebuilt: tuple[str, str], capsys: pytest.CaptureFixture[str], same: str, words: str
) -> None:
    assert main(["diff", *rebuilt, "--same", same]) == 2
    assert words in capsys.readouterr().err


def test_json_is_a_report_of_one_case(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *files, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["format"], report["version"]) == ("torchgraph report", 1)
    assert [case["status"] for case in report["cases"]] == ["drift"]


@pytest.mark.parametrize(
    ("name", "begins"), [("r.html", "<!doctype html>"), ("r.md", "### ❌"), ("r.json", "{"), ("r.txt", "")]
)
def test_the_end_of_the_output_names_the_form(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, begins: str
) -> None:
    path = tmp_path / name
    assert main(["diff", *files, "-o", str(path)]) == 1
    assert path.read_text("utf-8").startswith(begins)
    assert "+1 aten.clone" in path.read_text("utf-8")
    assert capsys.readouterr().out == f"{path}: 1 graph: 1 drifted\n"


def test_an_output_whose_name_tells_no_form_is_refused(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *files, "-o", str(tmp_path / "report")]) == 2
    assert "give --format terminal, json, md, html" in capsys.readouterr().err
    assert main(["diff", *files, "-o", str(tmp_path / "report"), "--format", "md"]) == 1
    assert (tmp_path / "report").read_text("utf-8").startswith("### ❌")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--tolerance", "abit"), "abit"), (("--ignore", "metric:speed"), "no metric 'speed'")],
)
def test_wrong_arguments_end_with_2(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert main(["diff", *files, *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_missing_file_ends_with_2_and_a_missing_argument_too(files: tuple[str, str]) -> None:
    assert main(["diff", files[0], "absent"]) == 2
    assert main(["diff", files[0]]) == 2
    with pytest.raises(SystemExit) as caught:
        main(["diff"])
    assert caught.value.code == 2


def test_diff_imports_neither_pytorch_nor_pytest(files: tuple[str, str]) -> None:
    code = (
        "import sys; from pytest_torchgraph.cli.main import main; main(sys.argv[1:]);"
        "sys.exit(bool({'torch', 'rich', 'pytest'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, "diff", *files], stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0
