"""Checks whose run equals one that passed: they are not compared again, and nothing else ever passes so."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from pytest_torchgraph.plugin.check.rules import Rules
from tests.plugin.conftest import Project, QuickProject

MODEL = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return EDIT(self.fc(x)).relu()

def EDIT(x):
    return x
"""
TEST = """
import torch
from model import Model

def test_model(torch_graph):
    graph = torch_graph.check(Model(), torch.ones(2, 4)RULES)
    assert graph.count("ops") >= 2
"""
COUNTING = """
from pytest_torchgraph.plugin.check.seen import HITS

def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line(f"not compared again: {config.stash.get(HITS, 0)}")
"""


@pytest.fixture
def fresh(live: QuickProject) -> QuickProject:
    """A project without a snapshot."""
    live.write({"model.py": MODEL, "test_model.py": TEST.replace("RULES", ""), "conftest.py": COUNTING})
    return live


@pytest.fixture
def seen(fresh: QuickProject) -> QuickProject:
    """The same with a snapshot, whose check has passed once."""
    assert hits(fresh, "--torchgraph-update") == 0
    assert hits(fresh) == 0
    return fresh


def hits(project: Project, *options: str, code: int = 0) -> int:
    """How many checks of a run were not compared again; the run ends with *code*."""
    done = project.run("-q", *options)
    assert done.code == code, done.text
    return int(done.text.partition("not compared again: ")[2].split()[0])


def edited(project: Project, **edits: str) -> None:
    """Write the model or the test with *edits*."""
    rules = edits.get("rules", "")
    body = edits.get("model", "x")
    project.write(
        {"model.py": MODEL.replace("return x\n", f"return {body}\n"), "test_model.py": TEST.replace("RULES", rules)}
    )


def test_a_check_that_passed_is_not_compared_again_in_the_next_session(seen: Project) -> None:
    assert hits(seen) == 1


def test_an_update_that_changed_nothing_is_not_compared_again_either(seen: Project) -> None:
    before = seen.snapshots()
    assert hits(seen, "--torchgraph-update") == 1
    assert seen.snapshots() == before


def test_an_update_that_has_something_to_write_is_compared(seen: QuickProject) -> None:
    (path,) = Path(seen.path, "snapshots").rglob("*.torchgraph")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("test_model.py::test_model", "test_model.py::test_before"), encoding="utf-8")
    assert [hits(seen), hits(seen)] == [0, 1]  # whose snapshot it is decides nothing
    assert hits(seen, "--torchgraph-update") == 0
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("body", ["x.clone()", "x + 1", "x.to(torch.float64)", "x[:1]"])
def test_another_run_is_compared_and_fails(seen: Project, body: str) -> None:
    edited(seen, model=body)
    assert hits(seen, code=1) == 0
    assert hits(seen, code=1) == 0
    edited(seen)
    assert hits(seen) == 1


def test_another_number_in_the_run_is_compared_and_fails(seen: Project) -> None:
    edited(seen, model="x * 2.0")
    assert hits(seen, "--torchgraph-update") == 0
    assert [hits(seen), hits(seen)] == [0, 1]
    edited(seen, model="x * 2.5")
    assert hits(seen, code=1) == 0
    edited(seen, model="x * 2")
    assert hits(seen, code=1) == 0
    edited(seen, model="x * 2.0000000001")  # another run, which passes when it is compared
    assert [hits(seen), hits(seen)] == [0, 1]


def test_a_snapshot_with_other_bytes_is_compared_again(seen: Project) -> None:
    (path,) = Path(seen.path, "snapshots").rglob("*.torchgraph")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("relu", "tanh"), encoding="utf-8")
    assert hits(seen, code=1) == 0
    path.write_text(text.replace("flops", "bytes"), encoding="utf-8")
    assert hits(seen) == 0
    path.write_text(text, encoding="utf-8")
    assert hits(seen) == 1


@pytest.mark.parametrize(
    "rules",
    [
        ", tolerance='5%'",
        ", compare='counts'",
        ", budget={'ops': 9}",
        ", ignore='aten.relu'",
        ", name='other'",
    ],
)
def test_a_check_under_other_rules_is_compared_once(seen: Project, rules: str) -> None:
    edited(seen, rules=rules)
    if "name" in rules:
        assert hits(seen, "--torchgraph-update") == 0
    assert [hits(seen), hits(seen)] == [0, 1]


def test_a_budget_that_is_broken_fails_though_the_run_was_seen(seen: Project) -> None:
    edited(seen, rules=", budget={'ops': 1}")
    assert [hits(seen, code=1), hits(seen, code=1)] == [0, 0]


def test_a_name_to_ignore_that_nothing_has_fails_though_the_run_was_seen(seen: Project) -> None:
    edited(seen, rules=", ignore='aten.reul'")
    assert [hits(seen, code=1), hits(seen, code=1)] == [0, 0]


@pytest.mark.parametrize(
    "option",
    ["--torchgraph-op-coverage", "--torchgraph-verify", "--cache-clear"],
)
def test_where_somebody_reads_more_than_that_it_passes_it_is_compared(seen: Project, option: str) -> None:
    assert hits(seen, option) == 0


@pytest.mark.parametrize("form", ["json", "html", "txt", "md"])
def test_a_report_says_the_same_of_a_check_that_was_seen_and_of_one_that_was_not(seen: Project, form: str) -> None:
    report = Path(seen.path, f"r.{form}")
    texts = []
    for clear, hit in (["--cache-clear"], 0), ([], 1):
        assert hits(seen, f"--torchgraph-report={report}", *clear) == hit
        texts.append(report.read_text(encoding="utf-8"))
        report.unlink()
    assert texts[0] == texts[1]
    assert ("unchanged" in texts[0]) == (form != "txt")


def test_github_reads_a_summary_of_checks_that_were_seen(seen: Project, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = seen.run("-q", CI="true", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert "not compared again: 1" in done.text
    assert summary.read_text(encoding="utf-8") == "### ✅ torchgraph: the graph is unchanged\n\n"


def test_memory_that_moved_within_its_tolerance_is_compared_for_a_report(seen: Project) -> None:
    (path,) = Path(seen.path, "snapshots").rglob("*.torchgraph")
    text = path.read_text(encoding="utf-8")
    peak = re.search(r"^peak (\d+)", text, re.MULTILINE)
    assert peak is not None
    path.write_text(text.replace(peak[0], f"peak {int(peak[1]) + 1}"), encoding="utf-8")
    edited(seen, rules=", tolerance='50%'")
    report = Path(seen.path, "r.json")
    assert [hits(seen), hits(seen), hits(seen, f"--torchgraph-report={report}")] == [0, 1, 0]
    (case,) = json.loads(report.read_text(encoding="utf-8"))["cases"]
    assert {"name": "peak", "before": int(peak[1]) + 1, "after": int(peak[1])} in case["metrics"]


def test_without_the_cache_of_pytest_nothing_is_kept(fresh: QuickProject) -> None:
    without = ("-p", "no:cacheprovider")
    assert [hits(fresh, "--torchgraph-update", *without), hits(fresh, *without), hits(fresh, *without)] == [
        0,
        0,
        0,
    ]


def test_a_cache_that_cannot_be_written_keeps_nothing_and_says_nothing(seen: Project) -> None:
    folder = Path(seen.path, ".pytest_cache", "d", "torchgraph-seen")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way", encoding="utf-8")
    assert [hits(seen, "-W", "error"), hits(seen, "-W", "error")] == [0, 0]


def test_a_digest_of_another_check_is_none_of_this_one(seen: Project) -> None:
    """A planted wrong hit: what another run left in the cache."""
    (kept,) = Path(seen.path, ".pytest_cache", "d", "torchgraph-seen").iterdir()
    passed = kept.read_text(encoding="ascii")
    edited(seen, model="x.clone()")
    assert hits(seen, "--torchgraph-update") == 0
    assert hits(seen) == 0
    assert passed.split()[0] in kept.read_text(encoding="ascii").split()
    kept.write_text(passed, encoding="ascii")
    edited(seen)
    assert hits(seen, code=1) == 0


def test_a_fingerprint_that_told_nothing_would_be_seen_here(seen: Project) -> None:
    """A planted defect: were all runs told alike, the edit would pass; so the tests above see what they say."""
    told_alike = "from pytest_torchgraph.plugin.check import seen\nseen._fingerprint = lambda _: 'same'\n"
    seen.write({"conftest.py": f"{COUNTING}\n{told_alike}"})
    assert [hits(seen), hits(seen)] == [0, 1]
    edited(seen, model="x.clone()")
    assert hits(seen) == 1


def test_notes_of_a_run_are_told_each_time(seen: Project) -> None:
    seen.write(
        {
            "model.py": MODEL
            + """
from torch.utils._python_dispatch import TorchDispatchMode
class Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))
def EDIT(x):
    Mode().__enter__()
    return x
"""
        }
    )
    assert [hits(seen), hits(seen)] == [0, 0]


def test_every_rule_of_a_check_is_part_of_its_digest() -> None:
    """A rule that is added later has to be told in ``seen._told``, and then here."""
    told = {"compare", "tolerance", "ignore", "own", "same", "limits"}
    assert {each.name for each in fields(Rules)} == told
