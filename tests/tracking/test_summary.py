"""A model at a glance."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.tracking import summary


def small() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5))
    model[0].weight.requires_grad_(False)
    return model


def test_it_tells_modules_shapes_parameters_kernels_and_flops() -> None:
    found = summary(small(), (1, 3, 8, 8))
    names = [row[0] for row in found.rows]
    assert names == ["Sequential", "  0: Conv2d", "  1: ReLU", "  2: Flatten", "  3: Linear"]
    assert found.rows[1] == ("  0: Conv2d", "f32[1,3,8,8]", "f32[1,8,6,6]", "216", "3x3", "15,552")
    assert (found.total_params, found.trainable_params) == (216 + 1445, 1445)
    assert found.parameter_bytes == 4 * (216 + 1445)
    assert str(found).splitlines()[-4] == "parameters: 1,661, trainable 1,445, frozen 216"


def test_depth_and_several_inputs() -> None:
    class Add(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deep = nn.Sequential(nn.Sequential(nn.Linear(2, 2)))

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.deep(a) + self.deep(b)

    found = summary(Add(), [(1, 2), (1, 2)], depth=1)
    assert [row[0] for row in found.rows] == ["Add", "  deep: Sequential x2"]
    assert found.total_params == 6


def test_inputs_are_sizes_or_data_and_not_both() -> None:
    model = nn.Linear(2, 2)
    assert summary(model, input_data=torch.ones(1, 2)).rows == summary(model, (1, 2)).rows
    with pytest.raises(TypeError, match="give one of the two"):
        summary(model)
    with pytest.raises(TypeError, match="give one of the two"):
        summary(model, (1, 2), input_data=torch.ones(1, 2))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "summarised.py").write_text("from torch import nn\ndef build(): return nn.Linear(2, 3)\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["summary", "summarised:build", "--input", "4,2"]) == 0
    assert "Linear  f32[4,2]  f32[4,3]" in capsys.readouterr().out
    assert main(["summary", "summarised:build", "--input", "4,5"]) == 2
    assert "shapes cannot be multiplied" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["summary", "summarised:build", "--input", "four"])
