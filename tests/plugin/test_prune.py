"""The list of what a run did not claim, and ``torchgraph prune``, which removes what is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.cli.main import main

if TYPE_CHECKING:
    from tests.plugin.conftest import QuickProject

CONFTEST = """
    import stubs

    def pytest_addoption(parser):
        parser.addoption("--model")

    def pytest_generate_tests(metafunc):
        chosen = metafunc.config.getoption("model")
        metafunc.parametrize("model", [chosen] if chosen else ["bert", "gpt", "vit"])
"""
TEST = """
    from stubs import ADD, CLONE, graph

    def test_m(torch_graph, model):
        torch_graph.check(graph(ADD{}))
"""
NOTHING = "nothing: the runs so far claimed every snapshot of the test files that they collected as a whole"
BERT, GPT, VIT = (f"test_m/test_m[{name}].torchgraph" for name in ("bert", "gpt", "vit"))


@pytest.fixture
def models(project: QuickProject, monkeypatch: pytest.MonkeyPatch) -> QuickProject:
    """A project with snapshots of three models, from the folder of which commands run."""
    project.write({"conftest.py": CONFTEST, "tests/test_other.py": "", "test_m.py": TEST.format("")})
    assert project.run("--torchgraph-update").code == 0
    monkeypatch.chdir(project.path)
    return project


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main(["prune", *arguments])
    captured = capsys.readouterr()
    return code, (captured.out + captured.err).splitlines()


def test_what_was_not_claimed_is_shown_and_removed_on_demand(
    models: QuickProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prune(capsys) == (0, [NOTHING])
    models.write({f"snapshots/{GPT}.new": "waits"})
    assert models.run("--model", "bert").code == 0
    expected = [
        f"snapshots/{GPT}: of test_m.py::test_m[gpt]; the run did not claim it",
        f"snapshots/{VIT}: of test_m.py::test_m[vit]; the run did not claim it",
        "2 snapshots below .; remove what no test of any machine needs: torchgraph prune --yes",
    ]
    assert prune(capsys) == (0, expected)
    assert {GPT, VIT} < models.snapshots().keys()
    assert prune(capsys, "--yes") == (0, [f"removed snapshots/{GPT}", f"removed snapshots/{VIT}"])
    assert list(models.snapshots()) == [BERT]
    assert prune(capsys, "--yes") == (0, [NOTHING])


def test_what_was_written_or_claimed_since_stays(models: QuickProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert models.run("--model", "bert").code == 0
    assert models.run("-k", "gpt").code == 0
    models.write({"test_m.py": TEST.format(", CLONE")})
    (models.path / "snapshots" / VIT).write_text(models.snapshots()[VIT].replace("add", "mul"), "utf-8")
    told = [f"kept snapshots/{VIT}: it was written since that run; run pytest again"]
    assert prune(capsys, "--yes") == (2, told)
    assert set(models.snapshots()) == {BERT, GPT, VIT}


def test_a_run_of_other_files_leaves_the_list(models: QuickProject, capsys: pytest.CaptureFixture[str]) -> None:
    assert models.run("--model", "bert").code == 0
    models.write({"tests/test_other.py": "def test_other(model):\n    pass\n"})
    assert models.run("tests").code == 0
    assert len(prune(capsys)[1]) == 3
    assert models.run("test_m.py").code == 0
    assert prune(capsys) == (0, [NOTHING])


def test_without_a_list_it_says_to_run_pytest(
    project: QuickProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    for arguments in ((), ("--yes",), ("--cache", "elsewhere")):
        code, (line,) = prune(capsys, *arguments)
        assert code == 2
        assert "run pytest once" in line
    project.write({".pytest_cache/d/torchgraph/unclaimed.json": '{"torchgraph unclaimed": 1, "files": [7]}'})
    code, lines = prune(capsys, "--yes")
    assert code == 2
    assert "this is no list of unclaimed snapshots" in lines[0]


@pytest.mark.parametrize(
    "arguments", [("-k", "bert"), ("test_m.py::test_m",), ("-x",), ("--torchgraph-compare=budget",)]
)
def test_a_run_of_a_part_lists_nothing(
    models: QuickProject, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    models.write({"test_m.py": TEST.format(", CLONE")})
    models.run("--model", "bert", "--torchgraph-budget=ops:9", *arguments)
    assert prune(capsys) == (0, [NOTHING])


def test_the_command_is_right_from_any_folder(
    models: QuickProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.write({"tests/pytest.ini": "[pytest]\n"})
    result = models.run("--model", "bert", "..", "-o", "cache_dir=.made/cache", "-c", "../pytest.ini", cwd="tests")
    assert result.section() == ["2 snapshots were not claimed; -v names them; torchgraph prune --cache ../.made/cache"]
    monkeypatch.chdir(models.path / "tests")
    code, lines = prune(capsys, "--cache", "../.made/cache")
    assert (code, lines[0]) == (0, f"../snapshots/{GPT}: of test_m.py::test_m[gpt]; the run did not claim it")


def test_the_list_of_a_project_above_is_not_taken_for_that_of_one_below(
    models: QuickProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert models.run("--model", "bert").code == 0
    (models.path / "tests/deep").mkdir()
    monkeypatch.chdir(models.path / "tests/deep")
    assert len(prune(capsys)[1]) == 3
    models.write({"tests/pyproject.toml": "[project]\n"})
    assert len(prune(capsys)[1]) == 3
    models.write({"tests/pyproject.toml": "[tool.pytest.ini_options]\n"})
    assert prune(capsys)[0] == 2


def test_a_list_that_names_what_is_no_snapshot_of_the_project_removes_nothing(
    models: QuickProject, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models.run("--model", "bert").code == 0
    path = models.path / ".pytest_cache/d/torchgraph/unclaimed.json"
    text = path.read_text("utf-8")
    for here, there in ((f"snapshots/{GPT}", "test_m.py"), ("test_m.py::test_m[gpt]", "../test_m.py::test_m")):
        path.write_text(text.replace(here, there), "utf-8")
        assert prune(capsys, "--yes")[0] == 2
        assert (models.path / "test_m.py").exists()
    assert GPT in models.snapshots()


def test_a_copy_of_a_project_means_the_copy(
    models: QuickProject,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    import shutil

    assert models.run("--model", "bert").code == 0
    copy = tmp_path_factory.mktemp("copies") / "copy"
    shutil.copytree(models.path, copy)
    monkeypatch.chdir(copy)
    assert prune(capsys, "--yes")[0] == 0
    assert not (copy / "snapshots" / GPT).exists()
    assert GPT in models.snapshots()


@pytest.mark.parametrize("test", ["test_gone", "test_m[tapas]"])
def test_what_says_how_a_model_grows_is_claimed_by_its_test_too(models: QuickProject, test: str) -> None:
    folder = models.path / "snapshots" / "test_m"
    for name in (test, "test_m[bert]"):
        (folder / f"{name}.scaling").write_text(f"torchgraph scaling 1\ntest test_m.py::{name}\nend\n", "utf-8")
    models.run()
    assert main(["prune", "--yes"]) == 0
    assert [path.name for path in folder.glob("*.scaling")] == ["test_m[bert].scaling"]
