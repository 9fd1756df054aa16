"""A file becomes a graph that knows what recorded it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_torchgraph.comparison import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.snapshot.loading import load
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.plugin.stubs import ADD, CLONE, graph


def stored(recorded: Graph, path: Path) -> Graph:
    """*recorded* as it comes back from its file."""
    path.write_text(write(recorded.canonical, test="t", recorded=recorded_line(recorded)), "utf-8")
    return load(path)


def test_a_loaded_graph_knows_what_recorded_it(tmp_path: Path) -> None:
    libraries = (("numpy", "2.3.0"), ("transformers", "5.24.0"))
    made = graph(ADD)
    made = replace(made, origin=replace(made.origin, libraries=libraries, python="3.11.7"))
    origin = stored(made, tmp_path / "a").origin
    assert origin == replace(made.origin, python="3.11")


def test_a_comparison_with_a_loaded_graph_tells_what_differs_in_the_recording(tmp_path: Path) -> None:
    before = stored(graph(ADD, torch="2.12.1"), tmp_path / "a")
    told = str(compare(before, graph(ADD, CLONE, torch="2.13.0")))
    assert "recorded with torch 2.12.1, running 2.13.0" in told
    assert "torch ?" not in told
    assert "recorded" not in str(compare(stored(graph(ADD), tmp_path / "a"), graph(ADD, CLONE)))


@pytest.mark.parametrize("run", ["eager, eval, cpu", "eager", "", "eager, train, grad, cuda, more"])
def test_any_modes_that_can_be_read_make_a_graph(tmp_path: Path, run: str) -> None:
    path = tmp_path / "a"
    text = write(graph(ADD).canonical, test="t", recorded="")
    path.write_text(re.sub("^run .*$", f"run {run}".strip(), text, flags=re.MULTILINE), "utf-8")
    assert ("run eager, eval, no_grad, cpu\n" in text, f"\nrun {run}" in path.read_text("utf-8")) == (True, bool(run))
    assert load(path).count("ops") == 1
