"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from pytest_torchgraph.cli import demo_project
from pytest_torchgraph.cli.snapshots import text_of
from pytest_torchgraph.graph.graph import Graph

pytest.importorskip("torch")
pytest.importorskip("transformers")

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text("utf-8")

ANY_MODEL = "from torch import nn, ones\nmodel, inputs = nn.Linear(2, 2), ones(1, 2)\n"
"""What an example means that makes no model of its own."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def run(folder: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of pytest in *folder*."""
    plugins = ("-p", "syrupy", "-p", "pytest_torchgraph.plugin.hooks", "-p", "no:cacheprovider")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_every_python_example_records_and_passes(tmp_path: Path) -> None:
    examples = blocks("python")
    assert len(examples) >= 3
    for number, example in enumerate(examples):
        if "def test_" in example:
            (tmp_path / f"test_{number}.py").write_text(ANY_MODEL + example, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    code, text = run(tmp_path, "--torchgraph-update")
    assert code == 0, text
    code, text = run(tmp_path)
    assert code == 0, text


@pytest.mark.parametrize("script", [example for example in blocks("python") if "def test_" not in example])
def test_every_script_runs(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    executed(script)


@pytest.fixture
def graphs() -> tuple[Graph, Graph]:
    """The demonstration's model before and after it was made worse."""
    import torch

    from pytest_torchgraph import trace

    return tuple(  # type: ignore[return-value]
        trace(made["build"](), torch.arange(32).view(2, 16))
        for worse in (False, True)
        for made in (executed(demo_project.model_text(worse=worse)),)
    )


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "model.py", "exec"), names)  # noqa: S102 -- the project's own demonstration
    return names


def without_lines(text: str) -> str:
    """*text* without line numbers of files, which are those of an installed library."""
    return re.sub(r"(\.py):\d+", r"\1", text)


def test_the_report_is_that_of_the_demonstration(graphs: tuple[Graph, Graph]) -> None:
    from pytest_torchgraph.report.comparison import compare
    from pytest_torchgraph.report.terminal import render

    accept = "pytest test_model.py::test_graph --torchgraph-update"
    report = render(compare(*graphs).outline("test_model.py::test_graph", accept))
    (shown,) = (block for block in blocks("text") if block.startswith("test_model.py::"))
    assert without_lines(shown) == without_lines(report) + "\n"


def test_the_lines_of_the_snapshot_are_those_of_the_demonstration(graphs: tuple[Graph, Graph]) -> None:
    (shown,) = (block for block in blocks("text") if "GPT2Block" in block)
    text = text_of(graphs[0], "test_model.py::test_graph")
    assert "".join(f"    {line}\n" for line in shown.splitlines()) in text


def test_every_group_and_budget_key_is_named() -> None:
    from pytest_torchgraph.verdict.measure import KEYS

    assert [key for key in KEYS if f"`{key}`" not in README] == []


def test_every_option_of_pytest_and_of_a_trace_is_named() -> None:
    from pytest_torchgraph import trace

    text = "".join(path.read_text("utf-8") for path in (PROJECT / "pytest_torchgraph" / "plugin").glob("*.py"))
    options = [*re.findall(r'"(--torchgraph-[\w=-]+)",', text), *re.findall(r'addini\("(\w+)"', text)]
    assert len(options) > 12
    assert [name for name in options if f"`{name}" not in README] == []
    parameters = [name for name, one in signature(trace).parameters.items() if one.kind is one.KEYWORD_ONLY]
    (shown,) = re.findall(r"`torch_graph\.trace\(model, args, kwargs=None, \*, (.*?)\)`", README)
    assert [part.partition("=")[0] for part in shown.split(", ")] == parameters
