"""``torchgraph export`` and ``torchgraph analyze``: of files without PyTorch, of models with times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.tracking.export import FORMATS

PROJECT = Path(__file__).resolve().parents[2]
SNAPSHOT = PROJECT / "snapshots/tests/real/test_language_models/test_gpt2.torchgraph"
MODELS = """
import torch
from torch import nn


def build():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)), torch.ones(4, 8)


def broken():
    return nn.Linear(3, 3), torch.ones(4, 8)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "some_models.py").write_text(MODELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "some_models", raising=False)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_file_is_exported_to_the_terminal_or_to_a_file(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, _ = told(capsys, "export", str(SNAPSHOT))
    assert code == 0
    document = json.loads(out)
    assert document["model"] == "GPT2LMHeadModel"
    assert document["timing"] is None
    code, out, _ = told(capsys, "export", str(SNAPSHOT), "--format", "csv", "-o", "a.csv")
    assert (code, out) == (0, "a.csv: 49 operations\n")
    assert (folder / "a.csv").read_text("utf-8").startswith("index,operation,")


def test_a_model_is_run_and_timed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "export", "some_models:build", "--backward", "--timing", "2")
    assert code == 0
    document = json.loads(out)
    assert document["timing"]["runs"] == 2
    assert document["summary"]["phases"].keys() == {"forward", "backward"}
    code, out, _ = told(capsys, "export", "some_models:build", "--timing", "0")
    assert json.loads(out)["timing"] is None


def test_a_timeline_is_made_of_a_model_and_not_of_a_file(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert told(capsys, "export", "some_models:build", "--format", "chrome", "-o", "t.json")[0] == 0
    assert json.loads((folder / "t.json").read_text("utf-8"))["traceEvents"]
    _, out, _ = told(capsys, "export", "some_models:build", "--format", "chrome", "-o", "t.chrome.json")
    assert out.endswith("speedscope takes a name that ends in .chrome.json for another format: call it .json there\n")
    code, _, err = told(capsys, "export", str(SNAPSHOT), "--format", "chrome", "-o", "u.json")
    assert code == 2
    assert "no times" in err
    assert not (folder / "u.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", str(SNAPSHOT), "--format", "yaml"), f"unknown format 'yaml': choose one of {', '.join(FORMATS)}"),
        (("export", str(SNAPSHOT), "-o", "nowhere/a.json"), "there is no folder nowhere"),
        (("export", "nowhere.torchgraph"), "nowhere.torchgraph: No such file"),
        (("export", "some_models:build", "-o", "nowhere/a.json"), "there is no folder nowhere"),
        (("export", "some_models:broken"), "some_models:broken does not run"),
        (("export", "some_models:build", "--timing", "-1"), "expected how many runs to time"),
        (("analyze", str(SNAPSHOT), "--backward"), "--backward runs a model"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_message(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = told(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("torchgraph: ")
    assert message in err


def test_a_file_and_a_model_are_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "analyze", str(SNAPSHOT))
    assert code == 0
    assert "h.*: GPT2Block ×2" in out
    code, out, _ = told(capsys, "analyze", "some_models:build", "--format", "json", "--timing", "3")
    assert json.loads(out)["performance"]["runs"] == 3


def test_a_file_is_exported_and_analysed_without_importing_torch() -> None:
    code = (
        "import sys; from pytest_torchgraph.cli.main import main\n"
        f"main(['export', {str(SNAPSHOT)!r}]); main(['analyze', {str(SNAPSHOT)!r}])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
