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


class Odd(nn.Module):
    def forward(self, x):
        return x.nowhere


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


def inside():
    return nn.Sequential(Odd()), torch.ones(2, 4)


def without_inputs():
    return nn.ReLU()


def nothing():
    return None


def raising():
    return {}["hidden"]


def leaving():
    raise SystemExit(3)


def needy(width, depth, bias=True):
    return nn.ReLU()


def loss(output):
    return output.square().mean()


def trained():
    return nn.Linear(4, 3), torch.ones(2, 4)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def others(model):
    return torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=0.1)


def tensor_keywords():
    return nn.ReLU(), (), torch.ones(2)


number = 3
"""
BROKEN = {
    "unfinished": "def build(:\n    pass\n",
    "dividing": "\n\nwrong = 1 / 0\n",
    "lacking": "import a_module_that_is_nowhere\n",
    "partial": "from pathlib import nowhere\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of models, entered."""
    (tmp_path / "some_models.py").write_text(MODELS, encoding="utf-8")
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
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
    assert text.startswith(f"torchgraph 2\ntest some_models:{factory}\n")
    assert text.endswith("end\n")
    assert run("trace", f"some_models:{factory}", "-o", "a.torchgraph") == 0
    assert (folder / "a.torchgraph").read_text("utf-8") == text
    assert run("check", "a.torchgraph", f"some_models:{factory}") == 0


def test_a_check_that_drifts_explains_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trace", "some_models:build", "-o", "a.torchgraph") == 0
    assert run("check", "a.torchgraph", "some_models:copying") == 1
    shown = capsys.readouterr().out
    assert "clone" in shown
    assert shown.splitlines()[-1] == "  accept: torchgraph trace some_models:copying -o a.torchgraph"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("some_models", "names nothing to call"),
        ("some_models.build", "did you mean some_models:build?"),
        ("some_models.py:build", "names nothing to call"),
        ("./some_models:build", "names nothing to call"),
        ("some_models:build:x", "names nothing to call"),
        ("some_models:tensor_keywords", "the third part is a mapping of keyword arguments"),
        ("some_models:absent", "has no 'absent'"),
        ("no_such_module:build", "no module 'no_such_module'"),
        ("some_models:number", "cannot be called"),
        ("some_models:nothing", "returned NoneType"),
        ("some_models:misfit", "some_models:misfit does not run: RuntimeError: mat1 and mat2 shapes"),
        ("some_models:inside", "AttributeError: 'Tensor' object has no attribute 'nowhere' (some_models.py:13)"),
        ("some_models:without_inputs", "without_inputs() returned no inputs: return (model, args)"),
        ("some_models:raising", "some_models:raising() failed: KeyError: 'hidden' (some_models.py:"),
        ("some_models:leaving", "failed: SystemExit: 3 (some_models.py:"),
        ("some_models:needy", "some_models:needy needs width, depth: expected module:factory"),
        ("some_models:copyin", "has no 'copyin'; did you mean 'copying'?"),
        ("unfinished:build", "unfinished cannot be imported: SyntaxError: invalid syntax (unfinished.py:1)"),
        ("dividing:build", "ZeroDivisionError: division by zero (dividing.py:3)"),
        ("lacking:build", "ModuleNotFoundError: No module named 'a_module_that_is_nowhere' (lacking.py:1)"),
        ("partial:build", "ImportError: cannot import name 'nowhere' from 'pathlib'"),
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
    assert run("trace", "some_models:build", "-o", "snapshot/a.torchgraph") == 2
    assert "there is no folder snapshot" in capsys.readouterr().err
    assert not (folder / "snapshot").exists()


STEPS = [
    ("--backward",),
    ("--loss", "some_models:loss"),
    ("--backward", "--optimizer", "some_models:sgd"),
    ("--loss", "some_models:loss", "--optimizer", "torch.optim:Adam", "--warmup", "1"),
]


@pytest.mark.parametrize("options", STEPS)
def test_a_training_step_is_traced_and_checked(capsys: pytest.CaptureFixture[str], options: tuple[str, ...]) -> None:
    assert run("trace", "some_models:trained", *options, "-o", "a.torchgraph") == 0
    assert run("check", "a.torchgraph", "some_models:trained", *options) == 0
    text = Path("a.torchgraph").read_text("utf-8")
    assert "backward" in text
    assert ("optimizer" in text) == ("--optimizer" in options)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((), "forward only: give --backward or --loss MODULE:FUNCTION and --optimizer MODULE:FUNCTION."),
        (("--backward",), "forward, backward only: give --optimizer MODULE:FUNCTION."),
    ],
)
def test_a_check_that_forgets_phases_of_the_file_says_what_to_give(
    capsys: pytest.CaptureFixture[str], given: tuple[str, ...], told: str
) -> None:
    assert run("trace", "some_models:trained", *STEPS[2], "-o", "a.torchgraph") == 0
    assert run("check", "a.torchgraph", "some_models:trained", *given) == 2
    error = capsys.readouterr().err
    assert "a.torchgraph has the phases forward, backward, optimizer; this run had " + told in error


def test_a_model_alone_is_run_with_random_numbers_of_the_shapes_that_are_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("trace", "some_models:without_inputs", "--input", "2,4", "-o", "a.torchgraph") == 0
    assert run("check", "a.torchgraph", "some_models:without_inputs", "--input", "2x4") == 0
    assert run("check", "a.torchgraph", "some_models:without_inputs", "--input", "3,4") == 1
    assert "accept: torchgraph trace some_models:without_inputs --input 3,4 -o a.torchgraph" in capsys.readouterr().out
    assert run("analyze", "some_models:build", "--input", "2,4") == 2
    assert "build() returns inputs: leave out --input" in capsys.readouterr().err
    assert run("analyze", "a.torchgraph", "--input", "2,4") == 2
    assert "--input runs a model, and a.torchgraph is a file" in capsys.readouterr().err


def test_a_model_before_the_file_is_told_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "some_models:trained", "a.torchgraph") == 2
    told = "the file comes first: torchgraph check a.torchgraph some_models:trained"
    assert told in capsys.readouterr().err


def test_a_pass_without_phases_is_all_forward(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trace", "some_models:trained", "-o", "a.torchgraph") == 0
    assert run("check", "a.torchgraph", "some_models:trained", "--backward") == 1
    report = capsys.readouterr().out
    assert "+1 backward phase (3 operations)" in report
    assert "forward phase" not in report


def test_the_command_that_accepts_a_step_names_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("trace", "some_models:trained", "-o", "a.torchgraph") == 0
    options = ("--warmup", "1", "--loss", "some_models:loss", "--optimizer", "some_models:sgd")
    assert run("check", "a.torchgraph", "some_models:trained", *options) == 1
    accept = f"  accept: torchgraph trace some_models:trained {' '.join(options)} -o a.torchgraph"
    assert capsys.readouterr().out.splitlines()[-1] == accept


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--optimizer", "some_models:sgd"), "--optimizer needs gradients: give --backward"),
        (("--loss", "some_models:nothing"), "nothing() takes 0 positional arguments"),
        (
            ("--loss", "some_models"),
            "'some_models' names nothing to call: expected module:function, such as models:loss",
        ),
        (("--backward", "--optimizer", "some_models:loss"), "some_models:loss() failed: AttributeError"),
        (("--backward", "--optimizer", "some_models:type"), "has no 'type'"),
        (("--backward", "--optimizer", "some_models:others"), "updates none of the model's parameters"),
    ],
)
def test_a_step_that_cannot_be_made_is_one_message(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    assert run("trace", "some_models:trained", *options) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown
