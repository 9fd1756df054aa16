"""What waits is found from wherever one stands, as pytest finds the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from _pytest.config.findpaths import determine_setup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_torchgraph.cli.files.rootdir import lines_of, root_of, snapshot_folder
from pytest_torchgraph.cli.main import main
from pytest_torchgraph.snapshot.pending import pending_path
from tests.cli.test_diff import COPIED
from tests.cli.test_review import CLONE, waits


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with settings of pytest's, to work in."""
    monkeypatch.chdir(tmp_path)
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_snapshot_dir = .snapshots\n", encoding="utf-8")
    return tmp_path


FILES = {
    "pytest.ini": ("", "[pytest]\naddopts = -q\n"),
    ".pytest.ini": ("",),
    "pytest.toml": ("",),
    "pyproject.toml": (
        "",
        "[project]\nname = 'x'\n",
        "[tool.pytest.ini_options]\naddopts = '-q'\n",
        "[tool.pytest]\naddopts = ['-q']\n",
        "# [tool.pytest]\n",
    ),
    "tox.ini": ("[tox]\n", "[pytest]\naddopts = -q\n", "; [pytest]\n"),
    "setup.cfg": ("[metadata]\n", "[tool:pytest]\naddopts = -q\n"),
    "setup.py": ("",),
    "other.txt": ("[pytest]\n",),
}
PLACES = ("", "a", "a/b", "a/b/c")
WRITTEN = st.sampled_from([(name, text) for name, texts in FILES.items() for text in texts])


@given(st.dictionaries(st.sampled_from(PLACES), st.lists(WRITTEN, max_size=3), max_size=4))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_root_directory_is_that_of_pytest(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, list[tuple[str, str]]]
) -> None:
    top = tmp_path_factory.mktemp("tree").resolve()
    here = top / PLACES[-1]
    here.mkdir(parents=True)
    for place, files in tree.items():
        for name, text in files:
            Path(top, place, name).write_text(text, encoding="utf-8")
    expected, *_ = determine_setup(inifile=None, override_ini=None, args=[], rootdir_cmd_arg=None, invocation_dir=here)
    assert root_of(here) == expected


@pytest.mark.parametrize(
    ("name", "text", "folder"),
    [
        ("pytest.ini", "[pytest]\ntorchgraph_snapshot_dir = ../kept\n", "../kept"),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntorchgraph_snapshot_dir = "golden" # ours\n', "golden"),
        ("tox.ini", "[pytest]\naddopts = -q\n", "snapshots"),
    ],
)
def test_the_folder_of_the_snapshots_is_that_of_the_settings(tmp_path: Path, name: str, text: str, folder: str) -> None:
    Path("pytest.ini").unlink()
    Path(name).write_text(text, encoding="utf-8")
    assert snapshot_folder(root_of(tmp_path)) == tmp_path / folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\ntorchgraph_same =\n    # ours\n    a.*=b.*\n\n    c = d\nxfail_strict = true\n"),
        ("tox.ini", "[tox]\nenvlist = py\n[pytest]\ntorchgraph_same = a.*=b.*\n    c = d\n"),
        ("setup.cfg", "[tool:pytest]\ntorchgraph_same: a.*=b.*\n    c = d\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntorchgraph_same = [\n  "a.*=b.*", # ours\n  "c = d",\n]\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\ntorchgraph_same = """\na.*=b.*\nc = d\n"""\n'),
        ("pyproject.toml", "[tool.pytest]\ntorchgraph_same = ['a.*=b.*', 'c = d']\n"),
        ("pytest.toml", "[pytest]\ntorchgraph_same = ['a.*=b.*', 'c = d']\n"),
    ],
)
def test_a_setting_of_several_lines_is_read_as_pytest_reads_it(tmp_path: Path, name: str, text: str) -> None:
    Path("pytest.ini").unlink()
    Path(name).write_text(text, encoding="utf-8")
    assert lines_of(root_of(tmp_path), "torchgraph_same") == ["a.*=b.*", "c = d"]
    assert lines_of(root_of(tmp_path), "torchgraph_absent") == []


@pytest.mark.parametrize(("name", "text"), [("pytest.ini", "[pytest]\n\0="), ("pytest.toml", "x ="), ("tox.ini", "")])
def test_settings_that_cannot_be_read_say_nothing(tmp_path: Path, name: str, text: str) -> None:
    Path("pytest.ini").unlink()
    Path(name).write_text(text, encoding="utf-8")
    assert lines_of(tmp_path, "torchgraph_same") == []


@pytest.mark.parametrize("place", [".", "tests", "tests/deep"])
@pytest.mark.parametrize("verb", [["accept"], ["reject"], ["review", "--list"], ["pre-commit"]])
def test_each_verb_finds_what_waits_in_a_hidden_folder_from_any_folder_of_the_project(
    verb: list[str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / waits("one", CLONE, folder=".snapshots/tests/test_m")
    Path("tests/deep").mkdir(parents=True)
    monkeypatch.chdir(place)
    assert main(verb) == (0 if verb[0] in ("accept", "reject") else 1)
    assert "torchgraph" in capsys.readouterr().out
    assert pending_path(path).exists() == (verb[0] not in ("accept", "reject"))


@pytest.mark.parametrize("given", [".snapshots/one.torchgraph", ".snapshots", ".snapshots/one.torchgraph.new"])
def test_from_a_sub_folder_paths_are_known_as_pytest_prints_them(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = waits("one", CLONE, folder=".snapshots").resolve()
    Path("tests").mkdir()
    monkeypatch.chdir("tests")
    assert main(["pre-commit", given]) == 1
    assert main(["accept", given]) == 0
    assert capsys.readouterr().out.endswith("accepted ../.snapshots/one.torchgraph\n")
    assert path.read_text("utf-8") == COPIED


def test_a_path_from_here_comes_before_the_same_path_from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    far, close = waits("one", CLONE).resolve(), waits("one", CLONE, folder="tests/snapshots").resolve()
    monkeypatch.chdir("tests")
    assert main(["accept", "snapshots"]) == 0
    assert (pending_path(far).exists(), pending_path(close).exists()) == (True, False)


def test_snapshots_behind_a_link_and_outside_are_found(tmp_path: Path) -> None:
    kept = Path("../kept")
    linked = pending_path(waits("one", CLONE, folder=str(kept)))
    Path("snapshots").symlink_to(kept.resolve())
    Path("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    assert main(["reject"]) == 0
    assert not linked.exists()
    outside = pending_path(waits("two", CLONE, folder=str(kept)))
    Path("snapshots").unlink()
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_snapshot_dir = ../kept\n", encoding="utf-8")
    assert main(["reject"]) == 0
    assert not outside.exists()


def test_with_all_every_project_of_the_repository_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q"], check=True)  # noqa: S607  the user's own git
    for name in ("a", "b"):
        waits(name, CLONE, folder=f"{name}/snapshots")
        Path(name, "pytest.ini").touch()
    monkeypatch.chdir("a")
    assert main(["review", "--list"]) == 1
    assert capsys.readouterr().out.startswith("1 snapshot waits")
    assert main(["review", "--list", "--all"]) == 1
    assert capsys.readouterr().out.startswith("2 snapshots wait")
    assert main(["accept", "--all", "snapshots"]) == 2
    assert "leave out --all or snapshots" in capsys.readouterr().err
    assert main(["accept", "--all"]) == 0
    assert not list(tmp_path.rglob("*.new"))


def test_caches_and_environments_are_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    for folder, sign in ((".venv", "pyvenv.cfg"), ("cache", "CACHEDIR.TAG"), (".git", "HEAD"), ("node_modules", "x")):
        waits("one", CLONE, folder=f"{folder}/snapshots")
        Path(folder, sign).touch()
    assert main(["accept"]) == 0
    assert capsys.readouterr().out == "nothing waits for review below this folder\n"


def test_where_nothing_waits_the_folder_is_named_that_was_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("tests").mkdir()
    monkeypatch.chdir("tests")
    assert main(["review"]) == 0
    assert capsys.readouterr().out == f"nothing waits for review below {tmp_path}\n"
