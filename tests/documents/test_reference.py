"""The reference names all that there is, and its examples run."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from pytest_torchgraph.cli.files.snapshots import text_of
from pytest_torchgraph.cli.main import VERBS
from pytest_torchgraph.cli.verbs.project import demo_project
from pytest_torchgraph.plugin.options import INI, MARKER, OPTIONS
from pytest_torchgraph.verdict.causes.cause import CAUSES
from tests.documents import verbs
from tests.documents.reader import DOCS, PROJECT, Reader, fences

pytest.importorskip("torch")
pytest.importorskip("transformers")

REFERENCE = DOCS / "reference"
ANY_MODEL = "from torch import nn, ones\nmodel, inputs = nn.Linear(2, 2), ones(1, 2)\n"
"""What an example means that makes no model of its own."""

EXAMPLES = [
    fence.text for page in sorted(REFERENCE.glob("*.md")) for fence in fences(page) if fence.language == "python"
]


def text_of_page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def test_every_test_of_the_reference_records_and_passes(tmp_path: Path) -> None:
    tests = [example for example in EXAMPLES if "def test_" in example]
    assert len(tests) >= 3
    for number, example in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(ANY_MODEL + example, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    reader = Reader(tmp_path)
    for command in ("pytest -q --torchgraph-update", "pytest -q"):
        printed = reader.type(command)
        assert re.search(r"^\d+ passed in", printed, re.MULTILINE), printed


@pytest.mark.parametrize("script", [example for example in EXAMPLES if "def test_" not in example])
def test_every_script_runs(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    executed(script)


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "model.py", "exec"), names)  # noqa: S102 -- the project's own pages
    return names


def test_the_lines_of_the_snapshot_are_those_of_the_demonstration() -> None:
    import torch

    from pytest_torchgraph import trace

    build = executed(demo_project.model_text(worse=False))["build"]
    text = text_of(trace(build(), torch.arange(32).view(2, 16)), "test_model.py::test_graph")
    (shown,) = (fence.text for fence in fences(REFERENCE / "snapshot.md") if "GPT2Block" in fence.text)
    assert "".join(f"    {line}\n" for line in shown.splitlines()) in text


def test_every_group_and_budget_key_is_named() -> None:
    from pytest_torchgraph.verdict.measure import KEYS

    assert [key for key in KEYS if f"`{key}`" not in text_of_page("options")] == []


def test_every_option_setting_and_marker_of_pytest_is_named() -> None:
    named = [*OPTIONS, *INI]
    assert len(named) > 12
    assert [name for name in named if f"`{name}" not in text_of_page("options")] == []
    assert f"@pytest.mark.{MARKER}(" in text_of_page("fixture")


def test_every_option_of_a_trace_is_named() -> None:
    from pytest_torchgraph import trace

    parameters = [name for name, one in signature(trace).parameters.items() if one.kind is one.KEYWORD_ONLY]
    (shown,) = re.findall(r"`torch_graph\.trace\(model, args, kwargs=None, \*, (.*?)\)`", text_of_page("fixture"))
    assert [part.partition("=")[0] for part in shown.split(", ")] == parameters


def test_the_page_of_all_commands_is_up_to_date() -> None:
    assert verbs.PAGE.read_text("utf-8") == verbs.page()


def test_every_command_is_on_that_page_and_every_word_of_it_is_explained() -> None:
    shown = {verb.name.split()[0] for verb in verbs.verbs()}
    assert shown == {verb for verb, file in VERBS.items() if not file.endswith("git_driver")}
    assert "|  |" not in verbs.page()


def test_every_command_that_returns_one_says_when() -> None:
    files = {
        verb: PROJECT / "pytest_torchgraph/cli/verbs" / f"{file.replace('.', '/')}.py" for verb, file in VERBS.items()
    }
    returning = {verb for verb, file in files.items() if "DRIFT" in file.read_text("utf-8")}
    assert returning <= {name.split()[0] for name in verbs.ONES}
    assert verbs.ONES.keys() <= {verb.name for verb in verbs.verbs()}


def test_every_schema_is_named() -> None:
    schemas = [path.relative_to(PROJECT).as_posix() for path in (PROJECT / "pytest_torchgraph").rglob("*.schema.json")]
    pages = "".join(path.read_text("utf-8") for path in REFERENCE.glob("*.md"))
    assert len(schemas) >= 2
    assert [schema for schema in schemas if f"`{schema}`" not in pages] == []


def test_every_cause_is_told_and_has_an_example() -> None:
    told = (DOCS / "causes.md").read_text("utf-8")
    shown = text_of_page("causes-by-example")
    assert [cause for cause in CAUSES if f"`{cause}`" not in told or f"`{cause}`" not in shown] == []
