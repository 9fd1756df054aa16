"""``torchgraph trace --fake`` and ``check --fake``: a model without its weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main

pytest.importorskip("torch")

MODELS = """
import torch
from torch import nn


def giant():
    return nn.Linear(2**20, 2**20), torch.zeros(1, 2**20)


def made():
    return (lambda: nn.Linear(2**20, 2**20)), (lambda: torch.zeros(1, 2**20))


def small():
    return nn.Linear(4, 4), torch.zeros(1, 4)


def reading():
    layer = nn.Linear(4, 4)
    layer.bias.data.fill_(float(layer.weight.sum()))
    return layer, torch.zeros(1, 4)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "giants.py").write_text(MODELS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize("factory", ["giant", "made"])
def test_a_step_of_a_giant_is_traced_and_checked(factory: str, capsys: pytest.CaptureFixture[str]) -> None:
    step = ["--fake", "--backward", "--optimizer", "torch.optim:AdamW"]
    assert main(["trace", f"giants:{factory}", *step, "-o", "x.torchgraph"]) == 0
    text = Path("x.torchgraph").read_text(encoding="utf-8")
    assert "\nrun fake, train, grad, cpu\n" in text
    assert "\nparameters 4398050705408\n" in text
    assert main(["check", "x.torchgraph", f"giants:{factory}", *step]) == 0


def test_a_fake_run_is_not_compared_with_a_file_of_a_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "giants:small", "-o", "x.torchgraph"]) == 0
    assert main(["check", "x.torchgraph", "giants:small", "--fake"]) == 2
    assert "was recorded without fake tensors" in capsys.readouterr().err


def test_a_factory_that_reads_its_weights_cannot_be_called_without_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "giants:reading", "--fake"]) == 2
    assert "giants:reading" in capsys.readouterr().err
