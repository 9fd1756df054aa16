"""Reports of a session: which files, under xdist too, what GitHub gets, and what a terminal gets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.plugin.session.events import Event, Ledger
from pytest_torchgraph.plugin.session.reports import report_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Project

TESTS = """
    import pytest
    from stubs import *

    @pytest.mark.parametrize("n", range(4))
    def test_many(torch_graph, n):
        torch_graph.check(graph(*[ADD] * (n + 1){more}))

    def test_same(torch_graph):
        torch_graph.check(graph(ADD))
"""
NEW = """
    from stubs import *

    def test_new(torch_graph):
        torch_graph.check(graph(ADD))
"""
ALL = ("r.html", "r.md", "r.json", "r.txt")
XDIST = ("-p", "xdist.plugin", "-n", "2")


def test_a_note_on_a_graph_is_no_graph_of_its_own() -> None:
    told = [Event(test="t", path="p", what="noted", notes=("so",)), Event(test="t", path="p", what="same")]
    assert report_of(Ledger(events={"t": told})).headline == "the graph is unchanged"


@pytest.fixture
def drifted(project: Project) -> Project:
    """Five tests, of which four drift in the same way."""
    project.write({"test_m.py": TESTS.format(more="")})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_m.py": TESTS.format(more=", CLONE")})
    return project


@pytest.mark.parametrize("more", [(), XDIST], ids=["alone", "workers"])
def test_each_file_tells_of_every_check(drifted: Project, more: tuple[str, ...]) -> None:
    result = drifted.run(*more, *(f"--torchgraph-report=made/{name}" for name in ALL))
    assert result.outcomes() == {"failed": 4, "passed": 1}
    told = "5 graphs: 4 drifted, 1 unchanged"
    assert [line for line in result.section() if line.startswith("torchgraph report:")] == [
        f"torchgraph report: made/{name} ({told})" for name in ALL
    ]
    texts = {name: (drifted.path / "made" / name).read_text("utf-8") for name in ALL}
    report = json.loads(texts["r.json"])
    assert (report["headline"], report["complete"]) == (told, True)
    assert [case["status"] for case in report["cases"]] == ["drift"] * 4 + ["same"]
    assert all(case["view"] for case in report["cases"][:4])
    assert texts["r.md"].count("| drifted |") == 4
    assert texts["r.md"].count("<details>") == 1
    assert texts["r.txt"].endswith(f"\n{told}\n")
    assert "http:" not in texts["r.html"].replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in texts["r.html"]


def test_the_reports_of_two_jobs_become_one(drifted: Project, capsys: pytest.CaptureFixture[str]) -> None:
    drifted.run("-k", "0 or 1", "--torchgraph-report=a.json")
    drifted.run("-k", "not 0", "--torchgraph-report=b.json")
    paths = [str(drifted.path / name) for name in ("a.json", "b.json")]
    assert main(["report", "merge", *paths, "-o", str(drifted.path / "all.html")]) == 0
    assert capsys.readouterr().out.endswith("all.html: 5 graphs: 4 drifted, 1 unchanged\n")
    assert main(["report", "merge", *paths, "--format", "md"]) == 0
    assert "5 graphs: 4 drifted, 1 unchanged" in capsys.readouterr().out.splitlines()[0]


def test_a_path_whose_end_says_nothing_is_refused_before_any_test(drifted: Project) -> None:
    result = drifted.run("--torchgraph-report=report.pdf")
    assert result.code == pytest.ExitCode.USAGE_ERROR
    assert "expected a file that ends in .html, .md, .json or .txt" in result.text


def test_github_gets_a_summary_and_a_mark_at_the_line(drifted: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n", encoding="utf-8")
    result = drifted.run(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    text = summary.read_text("utf-8")
    assert text.startswith("# before\n### ❌ torchgraph: 5 graphs: 4 drifted, 1 unchanged\n")
    (mark,) = [line for line in result.text.splitlines() if line.startswith("::error ")]
    assert re.match(r"::error file=test_m\.py,line=\d+,title=torchgraph%3A [0-9a-f]{8}::", mark)
    assert "%0A" in mark
    assert mark.endswith(
        "and the same in 3 more: test_m.py::test_many[1], test_m.py::test_many[2], test_m.py::test_many[3]"
    )


def test_nothing_is_written_where_nobody_asks(drifted: Project) -> None:
    before = set(drifted.path.rglob("*"))
    result = drifted.run("-p", "no:cacheprovider", CI="1")
    assert not any("report" in line for line in result.section())
    assert {path for path in set(drifted.path.rglob("*")) - before if "__pycache__" not in path.parts} == set()


def test_a_failure_has_colours_where_the_terminal_has_them(drifted: Project) -> None:
    painted = drifted.run("-k", "0", "--color=yes").text
    assert "\033[31mtest_m.py::test_many[0]: +1 aten.clone (0 -> 1)\033[0m\n" in painted
    plain = drifted.run("-k", "0").text
    assert "\033[" not in plain
    assert "\ntest_m.py::test_many[0]: +1 aten.clone (0 -> 1)\n" in plain
    assert "\033[31mtest_m.py::test_many[0]" in drifted.run("-k", "0", *XDIST, FORCE_COLOR="1").text
    assert "\033[" not in drifted.run("-k", "0", NO_COLOR="1", FORCE_COLOR="1").text


def test_colours_stay_out_of_files_of_other_plugins(drifted: Project) -> None:
    drifted.run("-k", "0", "--color=yes", "--junitxml=junit.xml")
    text = (drifted.path / "junit.xml").read_text("utf-8")
    assert "+1 aten.clone (0 -&gt; 1)" in text
    assert "#x1B" not in text


@pytest.mark.parametrize("how", [(), ("-v",), ("-vv",), ("-vv", "--color=yes"), ("-vv", *XDIST), ("--tb=line",)])
def test_the_summary_of_pytest_has_one_line_for_each_failure_however_verbose(
    drifted: Project, how: tuple[str, ...]
) -> None:
    drifted.write({"test_n.py": NEW})
    text = re.sub("\033\\[[0-9]*m", "", drifted.run("-rf", *how, COLUMNS="200", CI="1").text)
    told = sorted(text[text.index("short test summary info") :].splitlines()[1:-1])
    assert told[0] == "FAILED test_m.py::test_many[0] - +1 aten.clone (0 -> 1)"
    assert told[-1] == "FAILED test_n.py::test_new - has no snapshot"
    assert all(line.startswith("FAILED ") for line in told)


MISTAKES = """
    import pytest
    from stubs import *

    def test_tolerance(torch_graph):
        torch_graph.check(graph(ADD), tolerance="5 apples")

    def test_compare(torch_graph):
        torch_graph.check(graph(ADD), compare="budget")

    def test_names(torch_graph):
        torch_graph.check(graph(ADD), name="")

    @pytest.mark.torchgraph_budget(opz=3)
    def test_marker(torch_graph):
        torch_graph.check(graph(ADD))

    @pytest.mark.torchgraph_budget(ops=3)
    def test_alone():
        pass

    def test_of_others(torch_graph):
        pytest.fail("two\\nlines", pytrace=False)
"""


@pytest.mark.parametrize("how", [(), ("-vv", "--color=yes"), ("-vv", *XDIST)])
def test_the_summary_of_pytest_tells_the_reason_of_a_mistake_and_the_test_once(
    project: Project, how: tuple[str, ...]
) -> None:
    project.write({"test_m.py": MISTAKES})
    text = re.sub("\033\\[[0-9]*m", "", project.run("-rfE", *how, COLUMNS="400").text)
    told = text[text.index("short test summary info") :].splitlines()[1:-1]
    reasons = dict(line.split(" - ", 1) for line in told if " - " in line)
    assert reasons["FAILED test_m.py::test_tolerance"].startswith("tolerance '5 apples'")
    assert reasons["FAILED test_m.py::test_compare"].startswith("compares only budgets")
    assert reasons["FAILED test_m.py::test_names"].startswith("name='' names no snapshot")
    assert reasons["ERROR test_m.py::test_marker"].startswith("budget 'opz'")
    assert reasons["ERROR test_m.py::test_alone"].startswith("the marker torchgraph_budget limits")
    assert reasons["FAILED test_m.py::test_of_others"].startswith("Failed: two")
    assert all(line.count("test_m.py::") <= 1 for line in told)


def test_verbose_tells_every_finding_and_very_verbose_every_operation(drifted: Project) -> None:
    texts = [drifted.run("-k", "0", *more).text for more in ((), ("-v",), ("-vv",))]
    assert ["  change " in text for text in texts] == [False, True, True]
    assert ["        + clone(" in text for text in texts] == [False, False, True]


PYTEST_8 = """
    import pytest
    import stubs
    from _pytest.terminal import TerminalReporter

    @pytest.hookimpl(wrapper=True)
    def finish(self, session, exitstatus):
        return (yield)

    TerminalReporter.pytest_sessionfinish = finish  # calls no pytest_terminal_summary, as pytest 8
"""


@pytest.mark.parametrize("conftest", [PYTEST_8, "import stubs\n"])
def test_without_a_summary_reports_are_written_and_the_section_is_told_once(drifted: Project, conftest: str) -> None:
    drifted.write({"conftest.py": conftest})
    result = drifted.run("--no-summary", "--torchgraph-report=r.json", GITHUB_ACTIONS="true")
    lines = result.text.splitlines()
    assert sum(line.startswith("torchgraph report: r.json (") for line in lines) == 1
    assert sum(line.startswith("::error file=") for line in lines) == 1
    assert sum("- torchgraph -" in line for line in lines) == 1
    assert (drifted.path / "r.json").exists()
