"""The commands that a failure prints work as they stand, from where pytest was started."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import QuickProject, Result

TEST = """
    from stubs import ADD, CLONE, graph

    def test_m(torch_graph):
        torch_graph.check(graph(ADD{}))
"""
INI = "[pytest]\nfilterwarnings = error\n"


@pytest.fixture
def bare(project: QuickProject) -> QuickProject:
    """A project without settings."""
    (project.path / "pytest.ini").unlink()
    (project.path / "conftest.py").unlink()
    return project


def accepted(project: QuickProject, result: Result, cwd: str) -> list[str]:
    """Run the first command that *result* prints, as it is printed; its words."""
    (line, *_) = re.findall(r"^  accept: (pytest .*)$", result.text, re.MULTILINE)
    words = shlex.split(line)
    done = project.run(*words[1:], cwd=cwd)
    assert done.code == 0, done.text
    return words


def snapshots(path: Path) -> dict[str, str]:
    return {found.relative_to(path).as_posix(): found.read_text("utf-8") for found in path.rglob("*.torchgraph")}


PLACES = {
    "the root": (".", (), "pytest.ini", "pytest test_m.py::test_m --torchgraph-update"),
    "a folder below": ("tests", (), "pytest.ini", "pytest test_m.py::test_m --torchgraph-update"),
    "a folder beside": ("other", ("../tests",), "pytest.ini", "pytest ../tests/test_m.py::test_m --torchgraph-update"),
    "settings elsewhere": (
        ".",
        ("-c", "ci/pytest.ini", "tests"),
        "ci/pytest.ini",
        "pytest tests/test_m.py::test_m --torchgraph-update -c ci/pytest.ini",
    ),
    "settings elsewhere, from a folder": (
        "other",
        ("-c../ci/pytest.ini", "../tests"),
        "ci/pytest.ini",
        "pytest ../tests/test_m.py::test_m --torchgraph-update -c../ci/pytest.ini",
    ),
    "a root elsewhere": (
        ".",
        ("--rootdir=tests", "tests"),
        "pytest.ini",
        "pytest tests/test_m.py::test_m --torchgraph-update --rootdir=tests",
    ),
    "another folder of snapshots": (
        ".",
        ("-o", "torchgraph_snapshot_dir=.golden files", "tests"),
        "pytest.ini",
        "pytest tests/test_m.py::test_m --torchgraph-update -o 'torchgraph_snapshot_dir=.golden files'",
    ),
    "a hidden folder": (".hidden", (), ".hidden/pytest.ini", "pytest test_m.py::test_m --torchgraph-update"),
    "a package": (
        "other",
        ("--pyargs", "models_of_mine.test_m", "-o", "python_files=test_m.py"),
        "pytest.ini",
        "pytest ../models_of_mine/test_m.py::test_m --torchgraph-update -o python_files=test_m.py",
    ),
    "several projects": (
        ".",
        ("tests", "other"),
        "pytest.ini",
        "pytest tests/test_m.py::test_m --torchgraph-update -c pytest.ini",
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_command_that_accepts_writes_what_the_run_compared(bare: QuickProject, place: str) -> None:
    cwd, arguments, settings, expected = PLACES[place]
    tests = {"the root": "", "a hidden folder": ".hidden/", "a package": "models_of_mine/"}.get(place, "tests/")
    test = f"{tests}test_m.py"
    bare.write({settings: INI, "other/test_o.py": "def test_o():\n    pass\n", test: TEST.format("")})
    if place == "several projects":
        bare.write({"tests/pytest.ini": INI, "other/pytest.ini": INI})
    if place == "a package":
        bare.write({"models_of_mine/__init__.py": ""})
    for more in ("", ", CLONE"):
        bare.write({test: TEST.format(more)})
        failed = bare.run(*arguments, cwd=cwd)
        assert failed.code == 1, failed.text
        before = set(snapshots(bare.path))
        words = accepted(bare, failed, cwd)
        assert shlex.join(words) == shlex.join(shlex.split(expected))
        assert len(snapshots(bare.path)) == 1
        assert before <= set(snapshots(bare.path))
        assert bare.run(*arguments, cwd=cwd).code == 0
        assert bare.run(*words[1:], cwd=cwd).code == 0


def test_options_of_the_project_that_choose_its_tests_are_part_of_the_command(project: QuickProject) -> None:
    conftest = """
        import pytest
        import stubs

        def pytest_addoption(parser):
            parser.addoption("--runslow", action="store_true")
            parser.addoption("--model", default="bert")

        def pytest_collection_modifyitems(config, items):
            if not config.getoption("runslow") or config.getoption("model") != "a b":
                for item in items:
                    item.add_marker(pytest.mark.skip(reason="slow"))
    """
    project.write({"conftest.py": conftest, "test_m.py": TEST.format("")})
    result = project.run("--runslow", "-q", "--model", "a b", "--color=no")
    words = accepted(project, result, ".")
    assert words == ["pytest", "test_m.py::test_m", "--torchgraph-update", "--runslow", "--model", "a b"]
    assert list(project.snapshots()) == ["test_m/test_m.torchgraph"]


@pytest.mark.parametrize("arguments", [("-c", "ci/pytest.ini"), ("--pyargs",)], ids=" ".join)
def test_tests_outside_of_the_root_have_one_name_however_they_are_found(
    bare: QuickProject, arguments: tuple[str, ...]
) -> None:
    bare.write({"ci/pytest.ini": INI, "tests/test_a.py": TEST.format(""), "tests/test_b.py": TEST.format("")})
    chosen = ("-c", "ci/pytest.ini", *arguments[2:])
    assert bare.run(*chosen, "tests", "--torchgraph-update").code == 0
    before = snapshots(bare.path)
    assert {text.splitlines()[1] for text in before.values()} == {
        f"test ../tests/test_{name}.py::test_m" for name in "ab"
    }
    for paths in (("tests",), ("tests/test_a.py",), ("tests/test_b.py", "tests/test_a.py"), (".",)):
        result = bare.run(*chosen, *paths, "--torchgraph-update")
        assert (result.code, snapshots(bare.path)) == (0, before)
        assert not any("unused" in line or "removed" in line for line in result.section())
        assert bare.run(*chosen, *paths).code == 0


def test_another_root_directory_is_named_before_a_second_set_is_made(bare: QuickProject) -> None:
    bare.write({"tests/test_m.py": TEST.format("")})
    assert bare.run("--torchgraph-update").code == 0
    result = bare.run(cwd="tests")
    assert f"does not exist under the root directory of this run, {bare.path}/tests;" in result.text
    assert "  ../snapshots/tests/test_m/test_m.torchgraph does: it was recorded under" in result.text
    assert "accept:" not in result.text
    (line,) = re.findall(r"^  compare: pytest (.*)$", result.text, re.MULTILINE)
    assert bare.run(*shlex.split(line), cwd="tests").code == 0
    result = bare.run("--torchgraph-update", cwd="tests")
    assert any(
        "a second snapshot of this test: ../snapshots/tests/test_m/test_m.torchgraph" in one for one in result.section()
    )


@pytest.mark.parametrize("folder", ["../snapshots", "../.golden/x", "{path}/snapshots"])
def test_two_projects_in_one_folder_of_snapshots_are_kept_apart(bare: QuickProject, folder: str) -> None:
    ini = f"{INI}torchgraph_snapshot_dir = {folder.format(path=bare.path)}\n"
    for name, more in (("a", ""), ("b", ", CLONE")):
        bare.write({f"{name}/pytest.ini": ini, f"{name}/test_m.py": TEST.format(more)})
        bare.write({f"{name}/test_{name}.py": TEST.format("")})
        assert bare.run("--torchgraph-update", cwd=name).code == 0
    before = snapshots(bare.path)
    assert len(before) == 4
    for name in "abab":
        for arguments in ((), ("--torchgraph-update",), ("--torchgraph-update", "test_m.py")):
            result = bare.run(*arguments, cwd=name)
            assert (result.code, snapshots(bare.path)) == (0, before), result.text
    (bare.path / "a/test_m.py").write_text("from stubs import graph\ndef test_other():\n    pass\n")
    assert bare.run(cwd="a").code == 1
    assert bare.run("--torchgraph-update", cwd="a").code == 0
    assert len(snapshots(bare.path)) == 3
    assert bare.run(cwd="b").code == 0


def test_a_project_above_leaves_the_snapshots_of_one_below(bare: QuickProject) -> None:
    bare.write({"pytest.ini": INI, "test_m.py": TEST.format(""), "b/test_m.py": TEST.format(", CLONE")})
    bare.write(
        {"b/pytest.ini": f"{INI}torchgraph_snapshot_dir = ../snapshots\n", "conftest.py": "collect_ignore=['b']\n"}
    )
    assert bare.run("--torchgraph-update", cwd="b").code == 0
    assert bare.run("--torchgraph-update").code == 0
    assert len(snapshots(bare.path)) == 2
    assert bare.run(cwd="b").code == 0
    assert bare.run().section() == []


@pytest.mark.parametrize("arguments", [("--rootdir=tests", "tests"), ("-o", "torchgraph_snapshot_dir=.")], ids=" ".join)
def test_snapshots_of_another_root_directory_are_left_alone(bare: QuickProject, arguments: tuple[str, ...]) -> None:
    bare.write({"pytest.ini": INI, "tests/test_m.py": TEST.format(""), "tests/deep/test_d.py": TEST.format("")})
    assert bare.run("--torchgraph-update").code == 0
    before = snapshots(bare.path)
    where = ("--torchgraph-snapshot-dir", f"{bare.path}/snapshots") if "tests" in arguments else ()
    for _ in range(2):
        assert bare.run(*arguments, *where, "--torchgraph-update").code == 0
    assert before.keys() <= snapshots(bare.path).keys()
    assert bare.run().code == 0
