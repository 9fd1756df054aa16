"""``-q`` gets one line, and ``--torchgraph-update=new`` touches nothing that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

TWO = """
    from stubs import *

    def test_old(torch_graph):
        torch_graph.check(graph(ADD))

    def test_other(torch_graph):
        torch_graph.check(graph(ADD, MUL), budget={"ops": 2})
"""
THREE = (
    TWO.replace("graph(ADD", "graph(CLONE, ADD")
    + """
    def test_new(torch_graph):
        torch_graph.check(graph(RELU))
"""
)


@pytest.fixture
def grown(project: Project) -> Project:
    """Two tests, of which both have drifted and one is over budget, and a new one."""
    project.write({"test_m.py": TWO})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": THREE})
    return project


def told(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("torchgraph:") or "- torchgraph -" in line]


def test_a_quiet_run_gets_one_line_of_counts(grown: Project) -> None:
    quiet = grown.run("-q", "--tb=no")
    assert told(quiet.text) == ["torchgraph: 2 drifted, 1 over budget, 1 missing; 2 to review: torchgraph review"]
    assert "drifted snapshots/" not in quiet.text
    assert told(grown.run("-q", "--torchgraph-update", "--tb=no").text) == [
        "torchgraph: 1 over budget, 1 recorded, 2 updated"
    ]
    assert told(grown.run("-q", "--torchgraph-update", "-k", "old").text) == ["torchgraph: 1 unchanged"]
    assert told(grown.run("-q", "-k", "old").text) == []


def test_update_new_records_what_is_missing_and_touches_nothing_else(grown: Project) -> None:
    before = grown.snapshots()
    (grown.path / "snapshots/test_m/test_gone.torchgraph").write_text("cut", encoding="utf-8")
    result = grown.run("--torchgraph-update=new", CI="1")
    assert "torchgraph: record what is missing (CI), torch" in result.text
    assert result.outcomes() == {"failed": 2, "passed": 1}
    after = grown.snapshots()
    assert after.pop("test_m/test_new.torchgraph").startswith("torchgraph ")
    assert after.pop("test_m/test_gone.torchgraph") == "cut"
    assert after == before
    assert grown.run("-k", "new").code == 0


@pytest.mark.parametrize("other", ["--torchgraph-update=variant", "--torchgraph-update"])
def test_update_new_beside_another_way_to_record(grown: Project, other: str) -> None:
    result = grown.run("--torchgraph-update=new", other, "-k", "old")
    if other == "--torchgraph-update":
        assert result.code == 0
        assert "updated snapshots/test_m/test_old.torchgraph" in result.text
    else:
        assert result.code == 4
        assert "another option records snapshots" in result.text
