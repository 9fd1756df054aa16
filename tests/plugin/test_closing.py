"""What a session leaves when the terminal gets no summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import QuickProject

TEST = """
    from stubs import *

    def test_m(torch_graph):
        torch_graph.check(graph(ADD{}))
"""
AS_PYTEST_8 = """
    import pytest
    import stubs

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(session):
        hook = session.config.hook
        asks = hook.pytest_terminal_summary
        hook.pytest_terminal_summary = (lambda **_: None) if session.config.option.no_summary else asks
        yield
        hook.pytest_terminal_summary = asks
"""


@pytest.mark.parametrize("conftest", ["import stubs\n", AS_PYTEST_8], ids=["pytest 9", "pytest 8"])
def test_reports_and_reasons_need_no_summary(project: QuickProject, conftest: str) -> None:
    project.write({"test_m.py": TEST.format(""), "conftest.py": conftest})
    assert project.run("--torchgraph-update").code == 0
    (project.path / "test_m.py").write_text("def test_other():\n    pass\n", "utf-8")
    summary = project.path / "summary.md"
    result = project.run(
        "--no-summary", "--torchgraph-report=r.json", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary)
    )
    assert result.code == 1
    assert result.text.count("unused snapshots/test_m/test_m.torchgraph: of test_m.py::test_m") == 1
    assert result.text.count("torchgraph report: r.json") == 1
    project.write({"test_m.py": TEST.format(", CLONE")})
    result = project.run(
        "--no-summary", "--torchgraph-report=r.json", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary)
    )
    assert json.loads((project.path / "r.json").read_text("utf-8"))["cases"][0]["status"] == "drift"
    assert "1 drifted" in summary.read_text("utf-8")
    assert result.text.count("::error file=test_m.py") == 1


def test_a_report_needs_no_terminal(project: QuickProject) -> None:
    project.write({"test_m.py": TEST.format("")})
    assert project.run("-p", "no:terminal", "--torchgraph-update", "--torchgraph-report=r.json").code == 0
    assert json.loads((project.path / "r.json").read_text("utf-8"))["cases"][0]["status"] == "recorded"
