"""Recording, comparing, updating: what lies on disk after a run, and what the run says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

CHAIN = """
    from stubs import *

    def test_chain(torch_graph):
        torch_graph.check(lambda: graph(ADD, MUL), ())
"""
COPIED = CHAIN.replace("ADD, MUL", "ADD, CLONE, MUL")
FILE = "test_m/test_chain.torchgraph"


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with one recorded snapshot."""
    project.write({"test_m.py": CHAIN})
    assert project.run("--torchgraph-update").code == 0
    return project


def test_a_missing_snapshot_fails_writes_nothing_and_names_the_command(project: Project) -> None:
    project.write({"test_m.py": CHAIN})
    result = project.run()
    assert result.code == 1
    assert project.snapshots() == {}
    assert "  accept: pytest test_m.py::test_chain --torchgraph-update" in result.text.splitlines()
    assert "test_m.py::test_chain has no snapshot" in result.text
    assert result.section()[0].startswith("missing snapshots/test_m/test_chain.torchgraph: the model runs 2 operations")


@pytest.mark.parametrize("flag", ["--torchgraph-update", "--snapshot-update", "--snapshot-update-new-only"])
def test_recording_writes_the_file_and_the_next_run_passes(project: Project, flag: str) -> None:
    project.write({"test_m.py": CHAIN})
    result = project.run(flag)
    assert result.code == 0
    assert result.section() == [line for line in result.section() if line.startswith("recorded snapshots/" + FILE)]
    assert list(project.snapshots()) == [FILE]
    assert project.snapshots()[FILE].splitlines()[1] == "test test_m.py::test_chain"
    assert project.run().code == 0


def test_nothing_is_written_in_ci_without_the_flag(project: Project) -> None:
    project.write({"test_m.py": CHAIN})
    assert project.run(CI="true").code == 1
    assert project.snapshots() == {}


def test_a_drift_fails_with_the_report_and_the_command_last(recorded: Project) -> None:
    before = recorded.snapshots()
    recorded.write({"test_m.py": COPIED})
    result = recorded.run()
    assert result.outcomes() == {"failed": 1}
    assert "aten.clone" in result.text
    assert "pytest test_m.py::test_chain --torchgraph-update" in result.text
    assert recorded.snapshots()[FILE] == before[FILE]
    assert any(line.startswith("drifted snapshots/" + FILE) for line in result.section())


def test_an_update_says_what_moved(recorded: Project) -> None:
    recorded.write({"test_m.py": COPIED})
    result = recorded.run("--torchgraph-update")
    assert result.code == 0
    (line,) = result.section()
    assert line.startswith("updated snapshots/" + FILE)
    assert "2 -> 3" in line
    assert "+1 aten.clone" in line
    assert recorded.run().code == 0


def test_an_update_of_an_unchanged_graph_leaves_the_file_alone(recorded: Project) -> None:
    path = recorded.path / "snapshots" / FILE
    os.utime(path, (1, 1))
    before = path.read_bytes()
    recorded.write({"test_m.py": CHAIN.replace("ADD, MUL", "ADD, MUL, torch='9.9.9'")})
    result = recorded.run("--torchgraph-update")
    assert result.section() == ["unchanged 1, nothing to update"]
    assert path.read_bytes() == before
    assert path.stat().st_mtime == 1


def test_an_update_within_the_tolerance_leaves_the_file_alone(recorded: Project) -> None:
    before = recorded.snapshots()
    recorded.write({"test_m.py": CHAIN.replace("ADD, MUL", "ADD, MUL, peak=4100")})
    assert recorded.run().code == 0
    assert recorded.run("--torchgraph-update").code == 0
    assert recorded.snapshots() == before


def test_a_snapshot_of_an_earlier_format_passes_and_only_an_update_rewrites_it(recorded: Project) -> None:
    path = recorded.path / "snapshots" / FILE
    today = path.read_text("utf-8")
    earlier = today.replace("torchgraph 2\n", "torchgraph 1\n", 1)
    path.write_text(earlier, "utf-8")
    assert recorded.run().outcomes() == {"passed": 1}
    assert path.read_text("utf-8") == earlier
    updated = recorded.run("--torchgraph-update")
    assert (updated.code, path.read_text("utf-8")) == (0, today)
    assert "format 1, the graph is the same" in updated.text
    assert "unchanged 1, nothing to update" in recorded.run("--torchgraph-update").text


def test_a_pure_rename_passes_and_an_update_refreshes_the_file(recorded: Project) -> None:
    recorded.write({"test_m.py": CHAIN.replace("ADD, MUL", "ADD, MUL, scope='block'")})
    assert recorded.run().code == 0
    assert recorded.run("--torchgraph-update").code == 0
    assert "block" in recorded.snapshots()[FILE]


def test_the_users_own_snapshots_are_not_touched(project: Project) -> None:
    project.write({"test_m.py": CHAIN, "test_own.py": "def test_own(snapshot):\n    assert 1 == snapshot\n"})
    result = project.run("--torchgraph-update")
    assert result.outcomes() == {"failed": 1, "passed": 1}
    assert not (project.path / "__snapshots__").exists()
    assert project.run("--snapshot-update").code == 0
    assert (project.path / "__snapshots__/test_own.ambr").exists()


def test_several_snapshots_classes_and_parameters_each_have_a_file(project: Project) -> None:
    project.write(
        {
            "tests/a/test_m.py": """
                import pytest
                from stubs import *

                class TestBlock:
                    def test_two(self, torch_graph):
                        torch_graph.check(graph(ADD))
                        torch_graph.check(graph(MUL))
                        torch_graph.check(graph(RELU), name="tail")

                    class TestInner:
                        @pytest.mark.parametrize("p", ["a/b", "a:b", "A", "a"])
                        def test_p(self, torch_graph, p):
                            torch_graph.check(graph(*[ADD] * (1 + "a/b a:b A a".split().index(p))))
            """
        }
    )
    assert project.run("--torchgraph-update").outcomes() == {"passed": 5}
    assert project.run("-n", "2", "-p", "xdist.plugin").outcomes() == {"passed": 5}
    names = list(project.snapshots())
    folder = "tests/a/test_m/TestBlock."
    assert names[-3:] == [f"{folder}test_two{slot}.torchgraph" for slot in (".2", ".tail", "")]
    inner = [name.removeprefix(folder) for name in names[:-3]]
    assert [name.partition("]")[0] for name in inner] == [f"TestInner.test_p[{p}" for p in ("A", "a", "a_b", "a_b")]
    assert len({name.casefold() for name in inner}) == 4


def test_two_snapshots_with_one_name_are_refused(project: Project) -> None:
    project.write(
        {
            "test_m.py": """
                from stubs import *

                def test_two(torch_graph):
                    torch_graph.check(graph(ADD), name="One")
                    torch_graph.check(graph(MUL), name="one")
            """
        }
    )
    result = project.run("--torchgraph-update")
    assert result.code == 1
    assert "two snapshots with one name in test_m.py::test_two" in result.text


def test_the_folder_can_be_chosen(project: Project) -> None:
    project.write({"test_m.py": CHAIN, "pytest.ini": "[pytest]\ntorchgraph_snapshot_dir = golden/graphs\n"})
    assert project.run("--torchgraph-update").code == 0
    assert (project.path / "golden/graphs" / FILE).exists()
    assert project.run("--torchgraph-snapshot-dir", "other").code == 1


def test_the_command_works_from_another_folder_and_for_odd_names(project: Project) -> None:
    project.write(
        {
            "tests/test_m.py": CHAIN.replace(
                "def test_chain(", "@__import__('pytest').mark.parametrize('p', ['a b'])\n    def test_chain(p, "
            )
        }
    )
    result = project.run("tests")
    assert "pytest 'tests/test_m.py::test_chain[a b]' --torchgraph-update" in result.text


def test_the_syrupy_idiom_uses_the_same_file_and_report(recorded: Project) -> None:
    idiom = CHAIN.replace(
        "torch_graph.check(lambda: graph(ADD, MUL), ())", "assert graph(ADD, MUL) == torch_graph.snapshot"
    )
    recorded.write({"test_m.py": idiom})
    assert recorded.run().code == 0
    recorded.write({"test_m.py": idiom.replace("ADD, MUL", "ADD, CLONE, MUL")})
    result = recorded.run()
    assert result.code == 1
    assert "pytest test_m.py::test_chain --torchgraph-update" in result.text
    assert "AssertionError" not in result.text


BROKEN = {
    "cut": (lambda text: "\n".join(text.splitlines()[:-2]), "snapshots/" + FILE),
    "conflict": (lambda text: text.replace("forward", "<<<<<<< HEAD\nforward", 1), "conflict"),
    "newer format": (lambda text: text.replace("torchgraph 2", "torchgraph 99"), "99"),
    "edited": (lambda text: text + "more\n", "snapshots/" + FILE),
    "empty": (lambda text: "", "empty"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_an_unreadable_snapshot_says_where_and_an_update_repairs_it(recorded: Project, fault: str) -> None:
    breaks, words = BROKEN[fault]
    path = recorded.path / "snapshots" / FILE
    sound = path.read_text("utf-8")
    path.write_text(breaks(sound), "utf-8")
    result = recorded.run()
    assert result.outcomes() == {"failed": 1}
    assert words in result.text
    assert "Traceback" not in result.text
    assert "pytest test_m.py::test_chain --torchgraph-update" in result.text
    assert recorded.run("--torchgraph-update").code == 0
    assert path.read_text("utf-8") == sound


def test_a_snapshot_that_is_no_utf8_is_said_and_repaired(recorded: Project) -> None:
    path = recorded.path / "snapshots" / FILE
    path.write_bytes(b"\xff\xfe" + path.read_bytes())
    assert "not UTF-8" in recorded.run().text
    assert recorded.run("--torchgraph-update").code == 0
    assert recorded.run().code == 0


def test_a_read_only_folder_is_one_clear_message(project: Project) -> None:
    project.write({"test_m.py": CHAIN})
    (project.path / "snapshots").mkdir(mode=0o500)
    if os.access(project.path / "snapshots", os.W_OK):
        pytest.skip("this user writes into read-only folders")
    result = project.run("--torchgraph-update")
    assert "cannot be written: Permission denied" in result.text


def test_a_folder_that_cannot_be_made_is_one_clear_message(project: Project) -> None:
    project.write({"test_m.py": CHAIN, "snapshots": "a file"})
    result = project.run("--torchgraph-update")
    assert result.outcomes() == {"failed": 1}
    assert "snapshots/test_m/test_chain.torchgraph cannot be written" in result.text
    assert "Traceback" not in result.text


def test_a_write_that_fails_leaves_the_file_and_no_litter(recorded: Project) -> None:
    before = recorded.snapshots()
    fails = """
    def test_chain(torch_graph, monkeypatch):
        def replace(self, target):
            raise OSError(28, "No space left on device", str(target))

        monkeypatch.setattr("pathlib.Path.replace", replace)
"""
    recorded.write({"test_m.py": COPIED.replace("\n    def test_chain(torch_graph):\n", fails)})
    result = recorded.run("--torchgraph-update")
    assert "No space left on device" in result.text
    assert "Make room on the disk" in result.text
    assert recorded.snapshots() == before


def test_a_new_file_gets_the_usual_permissions(recorded: Project) -> None:
    (recorded.path / "plain").touch()
    assert (recorded.path / "snapshots" / FILE).stat().st_mode == (recorded.path / "plain").stat().st_mode


def test_a_cold_first_call_is_recorded_from_the_second(project: Project) -> None:
    project.write({"test_m.py": CHAIN.replace("lambda: graph(ADD, MUL)", "calls(graph(RELU, ADD), graph(ADD))")})
    result = project.run("--torchgraph-update")
    assert any("recorded from the second call" in line for line in result.section())
    assert "relu" not in project.snapshots()[FILE]
    result = project.run()
    assert result.code == 0
    assert any("the second call matches" in line for line in result.section())
    assert project.run("--torchgraph-update").section()[-1] == "unchanged 1, nothing to update"


def test_a_fixed_warmup_records_the_first_traced_call(project: Project) -> None:
    project.write(
        {
            "test_m.py": CHAIN.replace(
                "lambda: graph(ADD, MUL), ()", "calls(graph(RELU), graph(ADD), graph(MUL)), (), warmup=1"
            )
        }
    )
    assert project.run("--torchgraph-update").code == 0
    assert "add" in project.snapshots()[FILE]


def test_what_does_not_repeat_is_refused_and_named(project: Project) -> None:
    graphs = "graph(ADD), graph(RELU), graph(ADD, MUL), graph(ADD, RELU), graph(MUL)"
    project.write({"test_m.py": CHAIN.replace("lambda: graph(ADD, MUL)", f"calls({graphs})")})
    result = project.run("--torchgraph-update")
    assert result.code == 1
    assert project.snapshots() == {}
    assert "does other work on each call" in result.text
    assert "mul" in result.text or "relu" in result.text


def test_reruns_may_record_the_same_snapshot_again(project: Project) -> None:
    project.write(
        {
            "test_m.py": """
                from stubs import *
                RUNS = []

                def test_flaky(torch_graph):
                    torch_graph.check(graph(ADD))
                    RUNS.append(1)
                    assert len(RUNS) > 1
            """
        }
    )
    result = project.run("-p", "pytest_rerunfailures", "--reruns", "2", "--torchgraph-update")
    assert result.code == 0, result.text
    assert list(project.snapshots()) == ["test_m/test_flaky.torchgraph"]
    assert Path(project.path / "snapshots/test_m/test_flaky.torchgraph").exists()
