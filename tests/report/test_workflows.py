"""The workflows in examples/: valid, and made of options and commands that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_torchgraph.cli.main import parser

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKFLOWS = sorted(EXAMPLES.glob("*.yml"))
COMMENT = EXAMPLES / "torchgraph-report.yml"


def loaded(path: Path) -> Any:
    yaml = pytest.importorskip("yaml", reason="pyyaml is not installed")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(path: Path) -> list[str]:
    steps = [step for job in loaded(path)["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["torchgraph-report.yml", "torchgraph-shards.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_yaml_that_github_takes(path: Path) -> None:
    workflow = loaded(path)
    # YAML 1.1 reads the key "on" as a truth value.
    assert workflow[True] == "pull_request"
    assert set(workflow["permissions"]) <= {"contents", "pull-requests"}
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/checkout@v4"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_option_and_command_in_a_workflow_exists(path: Path, pytestconfig: pytest.Config) -> None:
    text = "\n".join(commands(path))
    options = set(re.findall(r"(--torchgraph-[\w-]+)=", text))
    assert options == {"--torchgraph-report"}
    assert pytestconfig.getoption("torchgraph_report", "none") != "none"
    for line in re.findall(r"torchgraph (report .*?)(?: >>.*)?$", text, re.MULTILINE):
        arguments = parser().parse_args(shlex.split(line))
        assert arguments.files == ["part-*.json"]


@pytest.mark.parametrize("known", ["", "https://api.example.org/comments/7"])
def test_the_comment_is_made_once_and_then_kept_up_to_date(tmp_path: Path, known: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    fake = tmp_path / "gh"
    fake.write_text(
        f'#!{bash}\necho "$*" >> calls\ncase "$*" in *--paginate*) echo "{known}";; esac\n', encoding="utf-8"
    )
    fake.chmod(0o755)
    (tmp_path / "torchgraph.md").write_text("### words\n", encoding="utf-8")
    script = commands(COMMENT)[-1]
    paths = f"{tmp_path}:/usr/bin:/bin"
    subprocess.run(
        [bash, "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": paths, "COMMENTS": "repos/a/b/issues/1/comments"},
        check=True,
    )
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert (tmp_path / "comment.md").read_text(encoding="utf-8") == "<!-- torchgraph -->\n### words\n"
    target = f"PATCH {known}" if known else "POST repos/a/b/issues/1/comments"
    assert calls[1] == f"api --method {target} -F body=@comment.md --silent"
