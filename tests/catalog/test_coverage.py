"""``--torchgraph-op-coverage``: counted in each process, added up, told as a table and as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from pytest_torchgraph.plugin.session.coverage import Coverage

HERE = Path(__file__).resolve().parents[2]
TESTS = """
import torch

def test_one(torch_graph):
    torch_graph.trace(torch.nn.Linear(2, 2), torch.ones(1, 2))

def test_two(torch_graph):
    with torch_graph.record():
        torch.ones(1, requires_grad=True).exp().backward()

def test_three():
    pass
"""


def run(folder: Path, *arguments: str) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "syrupy", "-p", "pytest_torchgraph.plugin.hooks", *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_workers_counts_are_added_up_and_written(tmp_path: Path) -> None:
    (tmp_path / "test_m.py").write_text(TESTS, "utf-8")
    xdist = ("-p", "xdist.plugin", "-n", "2")
    out = run(tmp_path, *xdist, "-v", "--torchgraph-op-coverage", "--torchgraph-op-coverage-json", "cover.json")
    assert "that the models of 2 tests exercised" in out
    assert "  aten.addmm 1\n" in out
    found = json.loads((tmp_path / "cover.json").read_text("utf-8"))
    assert found["counts"]["forward"].items() >= {"aten.addmm": 1, "aten.exp": 1, "aten.t": 1}.items()
    assert found["counts"]["backward"]["aten.mul"] == 1
    assert {"aten.addmm", "aten.exp", "aten.mul"} <= set(found["exercised"])
    assert "aten.mm" in found["not_exercised"]


def test_a_session_without_a_recording_says_so_and_one_without_the_option_is_silent(tmp_path: Path) -> None:
    (tmp_path / "test_m.py").write_text(TESTS, "utf-8")
    assert "no model was recorded" in run(tmp_path, "-k", "three", "--torchgraph-op-coverage")
    assert "coverage" not in run(tmp_path, "-k", "three")


def test_the_table_counts_operations_by_namespace_and_phase() -> None:
    coverage = Coverage()
    coverage.merge(
        {
            "torch": "2.13.0",
            "tests": ["a", "b"],
            "catalogue": ["aten.a", "aten.b", "aten.c", "aten.d", "mine.x"],
            "counts": {"mine": {"mine.x": 1}, "backward": {"aten.a": 2}, "forward": {"aten.a": 1, "aten.b": 1}},
        }
    )
    coverage.merge(
        {"torch": "", "tests": ["b"], "catalogue": [], "counts": {"forward": {"aten.a": 4, "higher_order.cond": 1}}}
    )
    title, *rows = coverage.lines(named=False)
    assert title == "operations of PyTorch 2.13.0 that the models of 2 tests exercised"
    assert [row.split() for row in rows] == [
        ["namespace", "forward", "backward", "mine", "any", "catalogue", "share"],
        ["aten", "2", "1", "0", "2", "4", "50.0%"],
        ["higher_order", "1", "0", "0", "1", "?", "?"],
        ["mine", "0", "0", "1", "1", "1", "100.0%"],
    ]
    assert coverage.counts["forward"] == Counter({"aten.a": 5, "aten.b": 1, "higher_order.cond": 1})


def test_a_file_that_cannot_be_written_does_not_lose_the_table(tmp_path: Path) -> None:
    (tmp_path / "test_m.py").write_text(TESTS, "utf-8")
    out = run(tmp_path, "-k", "three", "--torchgraph-op-coverage-json", "no/such/folder.json")
    assert "was not written: No such file" in out
