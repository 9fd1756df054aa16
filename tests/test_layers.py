"""The import contracts of ``pyproject.toml`` hold, and would notice if they did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_torchgraph"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to plant defects in."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def lint(folder: Path) -> tuple[int, str]:
    """Exit code and output of import-linter on the package in *folder*."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def test_every_import_contract_is_kept() -> None:
    code, text = lint(PROJECT)
    assert code == 0, text


DEFECTS = {
    "an upward import inside a function": (
        "recorded/planted.py",
        "def late():\n    from pytest_torchgraph.capture import schema\n    return schema\n",
        "Data flows one way BROKEN",
    ),
    "a room beside the others": ("utils/__init__.py", "", "Data flows one way BROKEN"),
    "siblings that know each other": (
        "diff/planted.py",
        "from pytest_torchgraph.snapshot import reader\n",
        "Data flows one way BROKEN",
    ),
    "torch in the report": (
        "report/planted.py",
        "def late():\n    import torch\n    return torch\n",
        "Only capture and catalog know torch BROKEN",
    ),
    "pytest in the text format": (
        "snapshot/planted.py",
        "import syrupy\n",
        "Only the plugin knows pytest and syrupy BROKEN",
    ),
    "a plot in the judgement": (
        "verdict/planted.py",
        "import plotly\n",
        "Only drawing and what stands above it know plotly and matplotlib BROKEN",
    ),
    "torch in the explorer": (
        "explorer/planted.py",
        "def late():\n    import torch\n    return torch\n",
        "The explorer shows what it is given, and imports no torch itself BROKEN",
    ),
    "Textual on the command line": (
        "cli/planted.py",
        "def late():\n    import textual\n    return textual\n",
        "Only the explorer knows Textual BROKEN",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_noticed(copied: Path, defect: str) -> None:
    name, source, verdict = DEFECTS[defect]
    planted = copied / PACKAGE / name
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(source, encoding="utf-8")
    code, text = lint(copied)
    assert code == 1, text
    assert verdict in text


def test_a_room_that_imports_itself_in_a_circle_is_noticed(copied: Path) -> None:
    room = copied / PACKAGE / "tracking"
    (room / "one.py").write_text("from pytest_torchgraph.tracking import two\n", encoding="utf-8")
    (room / "two.py").write_text("from pytest_torchgraph.tracking import one\n", encoding="utf-8")
    code, text = lint(copied)
    assert code == 1, text
    assert "No two rooms import each other BROKEN" in text
