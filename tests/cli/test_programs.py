"""A ``.pt2`` file in the place of a factory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main, parser
from pytest_torchgraph.cli.verbs.models.explore import config_of, source_of
from pytest_torchgraph.explorer.loading import Job

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 8))
    path = tmp_path_factory.mktemp("programs") / "model.pt2"
    torch.export.save(torch.export.export(model, (torch.ones(2, 8),)), path)
    return path


@pytest.fixture
def program(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    shutil.copy(saved, "model.pt2")
    return "model.pt2"


def test_a_step_of_a_program_is_traced_and_checked(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    step = ["--backward", "--optimizer", "torch.optim:SGD"]
    assert main(["trace", program, *step, "-o", "x.torchgraph"]) == 0
    assert "\n  1: GELU = gelu(%0) f32[2,16]" in Path("x.torchgraph").read_text(encoding="utf-8")
    assert main(["check", "x.torchgraph", program, *step]) == 0
    assert main(["trace", program, "-o", "x.torchgraph"]) == 0
    assert main(["check", "x.torchgraph", program]) == 0


def test_a_program_is_told_by_module_and_exported(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", program]) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if "[" in line]
    assert rows == ["GraphModule", "0:", "1:", "2:"]
    assert main(["summary", program, "--input", "2,8"]) == 0
    assert main(["export", program, "-o", "x.json"]) == 0
    assert json.loads(Path("x.json").read_text(encoding="utf-8"))["nodes"]
    assert main(["analyze", program]) == 0
    assert main(["plot", program, "-o", "x.dot"]) == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text.pt2", "text.pt2: no exported program: torch.export.save writes a zip archive, and this is none."),
        ("weights.pt2", "weights.pt2: no exported program: the archive holds something else"),
        ("missing.pt2", "missing.pt2: No such file or directory."),
        ("folder.pt2", "folder.pt2: Is a directory."),
    ],
)
def test_what_is_no_program_is_told(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.pt2").write_text("hello", encoding="utf-8")
    torch.save({"weight": torch.ones(2)}, "weights.pt2")
    Path("folder.pt2").mkdir()
    assert main(["trace", name]) == 2
    shown = capfd.readouterr().err
    assert shown.startswith(f"torchgraph: {said}")
    assert len(shown.splitlines()) == 1


def test_a_program_of_operators_that_nobody_imported_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with torch.library._scoped_library("torchgraph_shop", "DEF") as shop:
        shop.define("twice(Tensor x) -> Tensor")
        shop.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
        model = torch.fx.symbolic_trace(torch.nn.Identity())
        (x,) = (node for node in model.graph.nodes if node.op == "placeholder")
        with model.graph.inserting_after(x):
            twice = model.graph.call_function(torch.ops.torchgraph_shop.twice.default, (x,))
        model.graph.output_node().args = (twice,)
        torch.export.save(torch.export.export(model.eval(), (torch.ones(2),)), "custom.pt2")
    assert main(["trace", "custom.pt2"]) == 2
    shown = capfd.readouterr().err
    assert "twice" in shown
    assert shown.endswith("Where it uses operators of a library, import that first.\n")


def test_a_program_without_inputs_says_what_to_give(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = torch.export.load(program)
    loaded._example_inputs = None
    torch.export.save(loaded, "bare.pt2")
    assert main(["trace", "bare.pt2"]) == 2
    assert "a factory that returns (torch.export.load('bare.pt2'), args)" in capsys.readouterr().err
    assert main(["summary", "bare.pt2", "--input", "2,8"]) == 0


def test_the_autograd_graph_of_a_program_is_refused_with_what_to_name(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["autograd", "graph", program]) == 2
    told = capsys.readouterr().err
    assert told.startswith("torchgraph: model.pt2: an exported program is not called itself. Name a factory")


def test_a_program_is_explored(program: str) -> None:
    arguments = parser("explore").parse_args(["explore", program])
    source = source_of(program, arguments, config_of(arguments))
    job = Job()
    *_, subject = source.stages(job)
    assert subject.graph is not None
    assert subject.graph.count("ops") == 3
    assert source.values is not None
    assert [one.name for one in source.values(job).parameters] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert source.growth is not None
    assert "exported program" in source.growth(job).reason


def test_a_program_is_not_compared_with_a_run(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("builds.py").write_text("def model():\n    import torch\n    return torch.nn.ReLU(), torch.ones(2)\n")
    assert main(["trace", "builds:model", "-o", "x.torchgraph"]) == 0
    assert main(["check", "x.torchgraph", program]) == 2
    assert "give a model that runs" in capsys.readouterr().err
