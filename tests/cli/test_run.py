"""``torchgraph trace`` and ``check``: models by ``module:factory``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main

pytest.importorskip("torch")

MODELS = """
import torch
from torch import nn


class Copying(nn.Module):
    def forward(self, x):
        return torch.relu(x.clone())


class Cold(nn.Module):
    cache = None

    def forward(self, x):
        if self.cache is None:
            self.cache = torch.ones(4).mul(2)
        return x + self.cache


def build():
    return nn.Sequential(nn.ReLU()), torch.ones(2, 4)


def copying():
    return Copying(), (torch.ones(2, 4),)


def by_name():
    return nn.ReLU(), (), {"input": torch.ones(2, 4)}


def cold():
    return Cold(), torch.ones(2, 4)


def misfit():
    return nn.Linear(3, 3), torch.ones(2, 4)


def nothing():
    return None


number = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of models, entered."""
    (tmp_path / "some_models.py").write_text(MODELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "some_models", raising=False)
    return tmp_path


def run(*arguments: str) -> int:
    return main(arguments)


@pytest.mark.parametrize("factory", ["build", "copying", "by_name", "cold"])
def test_a_trace_is_printed_as_a_snapshot_and_checks_against_itself(
    folder: Path, capsys: pytest.CaptureFixture[str], factory: str
) -> None:
    assert run("trace", f"some_models:{factory}") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"torchgraph 1\ntest some_models:{factory}\n")
    assert text.endswith("end\n")
    assert run("trace", f"some_models:{factory}", "-o", "deep/a.torchgraph") == 0
    assert (folder / "deep/a.torchgraph").read_text("utf-8") == text
    assert run("check", "deep/a.torchgraph", f"some_models:{factory}") == 0


def test_a_check_that_drifts_explains_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trace", "some_models:build", "-o", "a.torchgraph") == 0
    assert run("check", "a.torchgraph", "some_models:copying") == 1
    shown = capsys.readouterr().out
    assert "clone" in shown
    assert shown.splitlines()[-1] == "  accept: torchgraph trace some_models:copying -o a.torchgraph"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("some_models", "names no factory"),
        ("some_models.py:build", "names no factory"),
        ("some_models:absent", "has no 'absent'"),
        ("no_such_module:build", "no module 'no_such_module'"),
        ("some_models:number", "cannot be called"),
        ("some_models:nothing", "returned NoneType"),
        ("some_models:misfit", "does not run"),
    ],
)
def test_a_model_that_cannot_be_run_is_one_message(capsys: pytest.CaptureFixture[str], spec: str, words: str) -> None:
    assert run("trace", spec) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err


def test_a_file_that_cannot_be_written_is_one_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "file").touch()
    assert run("trace", "some_models:build", "-o", "file/a.torchgraph") == 2
    assert "cannot be written" in capsys.readouterr().err
