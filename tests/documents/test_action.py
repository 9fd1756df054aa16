"""The steps of the GitHub Action, run here: a runner's variables, and a ``gh`` that keeps what it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.reader import COMMANDS, PROJECT, environment

pytest.importorskip("torch")
yaml = pytest.importorskip("yaml")

STEPS = PROJECT / ".github" / "action"
PYTHON = f"""#!/bin/sh
if [ "$1" = -m ]; then shift 2; exec {" ".join(COMMANDS["pytest"])} "$@"; fi
exec {sys.executable} "$@"
"""
GH = f"""#!{sys.executable}
import json, os, sys
known = os.path.exists("comment.json")
if "--paginate" in sys.argv:
    print("repos/o/r/issues/comments/7" if known else "", end="")
else:
    body = next(word for word in sys.argv if word.startswith("body=@")).removeprefix("body=@")
    text = open(body, encoding="utf-8").read()
    json.dump({{"method": sys.argv[3], "url": sys.argv[4], "body": text}}, open("comment.json", "w"))
"""
TEST = """
import torch

def test_relu(torch_graph):
    torch_graph.check(torch.relu, torch.ones(2))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, text in (("python", PYTHON), ("gh", GH)):
        (tmp_path / "bin" / name).write_text(text, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_x.py").write_text(TEST, encoding="utf-8")
    return tmp_path


def step(project: Path, name: str, **variables: str) -> dict[str, str]:
    """What the step *name* adds to the outputs."""
    output = project / "output"
    output.write_text("", encoding="utf-8")
    runner = {"GITHUB_OUTPUT": str(output), "PYTHON": str(project / "bin" / "python"), "REPORT": "torchgraph"}
    path = {"PATH": f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    given = {**environment(), **path, **runner, "COMMENTS": "repos/o/r/issues/3/comments", **variables}
    subprocess.run([str(STEPS / name)], cwd=project, env=given, check=True, stdout=subprocess.DEVNULL)
    return dict(line.split("=", 1) for line in output.read_text("utf-8").splitlines())


def test_a_run_that_drifts_ends_with_its_exit_code_its_number_and_its_page(project: Path) -> None:
    assert step(project, "check.sh", ARGS="--torchgraph-update")["exit-code"] == "0"
    (project / "test_x.py").write_text(TEST.replace("torch.relu", "torch.tanh"), encoding="utf-8")
    outputs = step(project, "check.sh", ARGS="-q test_x.py")
    assert outputs == {"exit-code": "1", "drifted": "1", "page": "torchgraph.html"}
    assert (project / "torchgraph.html").is_file()


def test_a_pull_request_has_one_comment_that_is_rewritten(project: Path) -> None:
    for expected, text in (("POST", "first"), ("PATCH", "second")):
        (project / "torchgraph.md").write_text(text, encoding="utf-8")
        step(project, "comment.sh")
        asked = json.loads((project / "comment.json").read_text("utf-8"))
        assert asked["method"] == expected
        assert asked["body"] == f"<!-- torchgraph -->\n{text}"


def test_what_the_action_keeps_from_run_to_run_is_what_knows_the_checks_that_passed(project: Path) -> None:
    action = yaml.safe_load((PROJECT / "action.yml").read_text("utf-8"))
    (kept,) = (each["with"]["path"] for each in action["runs"]["steps"] if each.get("uses") == "actions/cache@v4")
    assert kept == "${{ inputs.seen }}"
    step(project, "check.sh", ARGS="--torchgraph-update")
    step(project, "check.sh")
    assert list((project / action["inputs"]["seen"]["default"]).iterdir())


def test_the_page_names_every_input_and_output() -> None:
    action = yaml.safe_load((PROJECT / "action.yml").read_text("utf-8"))
    page = (PROJECT / "docs" / "how-to" / "github-actions.md").read_text("utf-8")
    assert [name for name in (*action["inputs"], *action["outputs"]) if f"| `{name}` |" not in page] == []
