"""Every code block of the document on tracking graphs runs as it is written, and does what the document says."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import re
import shlex
import sys
import types
import typing
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pytest_torchgraph import tracking
from pytest_torchgraph.tracking import ComputationalGraphTracker, GraphNode, OperationType
from tests.documents.block import Block
from tests.tracking import documented

NAMES = {name: getattr(tracking, name) for name in tracking.__all__}
LAYERS = ["0", "1", "2"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that a block has shown: those of plotly, and the current ones of pyplot."""
    base = pytest.importorskip("plotly.basedatatypes", reason="plotly draws the picture")
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib draws the picture")
    pyplot.switch_backend("agg")
    figures: list[Any] = []
    monkeypatch.setattr(base.BaseFigure, "show", lambda figure: figures.append(figure))  # noqa: PLW0108 -- a method of the figure
    monkeypatch.setattr(pyplot, "show", lambda: figures.append(pyplot.gcf()))
    return figures


def ran(block: Block, **names: Any) -> dict[str, Any]:
    """What *block* leaves behind, run with a model of three layers and its input."""
    model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 1))
    inputs = {"model": model, "input_tensor": torch.randn(1, 10, requires_grad=True)}
    return block.run(**{**NAMES, **inputs, **names})


def named(tracker: ComputationalGraphTracker, kind: OperationType) -> list[str]:
    return [node.name for node in tracker.nodes if node.operation_type is kind]


def numbers(printed: str) -> dict[str, float]:
    """What was printed as ``words: number``."""
    return {words: float(number) for words, number in re.findall(r"^([\w ]+): ([\d.]+)", printed, re.MULTILINE)}


def test_the_quick_start(shown: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    names = documented.QUICK_START.run()
    told = numbers(capsys.readouterr().out)
    assert told["Total operations"] == len(names["tracker"].nodes)
    assert told["Execution time"] == round(names["tracker"].graph.timing.total, 4)
    assert named(names["tracker"], OperationType.LAYER_OP) == LAYERS
    assert shown == [names["fig"]]
    assert {"0: Linear", "1: ReLU", "2: Linear"} <= written_in(names["fig"])


def written_in(figure: Any) -> set[str]:
    """The texts of a figure of plotly."""
    return {str(text) for trace in figure.data for text in (trace.text if isinstance(trace.text, tuple) else ())}


def test_a_model_is_tracked(capsys: pytest.CaptureFixture[str]) -> None:
    names = ran(documented.TRACK)
    tracker, data = names["tracker"], names["graph_data"]
    counts = {"Operations": len(tracker.nodes), "Nodes": len(data["nodes"]), "Edges": len(tracker.edges)}
    assert numbers(capsys.readouterr().out) == counts
    assert [node["name"] for node in data["nodes"] if node["operation_type"] == "layer_op"] == LAYERS
    assert all(node["execution_time"] >= 0 for node in data["nodes"] if node["operation_type"] == "tensor_op")


def test_a_model_is_analysed(capsys: pytest.CaptureFixture[str]) -> None:
    analysis = ran(documented.ANALYZE)["analysis"]
    told = numbers(capsys.readouterr().out)
    assert told["Total operations"] == analysis["summary"]["total_nodes"]
    assert told["Operations per second"] > 0
    layers = {name: len(operations) for name, operations in analysis["layer_analysis"].items()}
    assert list(layers) == ["Sequential", *LAYERS]
    assert {name: told[name] for name in layers} == layers
    assert sum(layers.values()) == analysis["summary"]["operations"]


def test_a_graph_is_drawn_and_saved(shown: list[Any]) -> None:
    names = ran(documented.VISUALIZE)
    page = Path("computational_graph.html").read_text("utf-8")
    assert all(layer in page for layer in ("0: Linear", "1: ReLU", "2: Linear"))
    assert len(shown) == 1
    assert "0: Linear" in {text.get_text() for text in names["fig"].axes[0].texts}
    assert is_drawn_on(Path("computational_graph.png"))


def is_drawn_on(path: Path) -> bool:
    """Whether a picture is more than its white paper."""
    from matplotlib.pyplot import imread

    return bool((imread(path)[..., :3] < 0.9).any(axis=-1).mean() > 0.01)


def test_a_graph_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    names = ran(documented.EXPORT)
    assert names["filepath"] == "graph.json"
    assert names["graph_data"] == json.loads(Path("graph.json").read_text("utf-8"))
    counts = {"Nodes": len(names["graph_data"]["nodes"]), "Edges": len(names["graph_data"]["edges"])}
    assert numbers(capsys.readouterr().out) == counts
    ids = {node["id"] for node in names["graph_data"]["nodes"]}
    assert all({edge["source_id"], edge["target_id"]} <= ids for edge in names["graph_data"]["edges"])


@pytest.mark.parametrize("name", ["GraphNode", "GraphEdge"])
def test_a_record_has_the_documented_fields_and_defaults(name: str) -> None:
    block = {"GraphNode": documented.NODE, "GraphEdge": documented.EDGE}[name]
    given = {**vars(typing), "dataclass": dataclasses.dataclass, "OperationType": OperationType}
    theirs, ours = block.run(**given)[name], getattr(tracking, name)
    assert [(one.name, one.default) for one in dataclasses.fields(ours)] == [
        (one.name, one.default) for one in dataclasses.fields(theirs)
    ]
    written = {key: plain(hint) for key, hint in theirs.__annotations__.items()}
    assert {key: plain(hint) for key, hint in inspect.get_annotations(ours, eval_str=True).items()} == written


def plain(hint: Any) -> Any:
    """A type in one form: ``Optional[List[int]]`` is ``list[int] | None``."""
    origin, parts = typing.get_origin(hint), [plain(part) for part in typing.get_args(hint)]
    if origin in {typing.Union, types.UnionType}:
        return frozenset(parts)
    return hint if origin is None else (origin, *parts)


def test_the_kinds_of_operations_are_those_that_are_documented() -> None:
    theirs = documented.TYPES.run(Enum=enum.Enum)["OperationType"]
    assert {one.name: one.value for one in OperationType} == {one.name: one.value for one in theirs}


@pytest.mark.parametrize("block", ["OPTIONS", "LARGE"])
def test_without_single_operations_modules_gradients_memory_and_time_are_told(block: str) -> None:
    tracker = ran({"OPTIONS": documented.OPTIONS, "LARGE": documented.LARGE}[block])["tracker"]
    assert named(tracker, OperationType.TENSOR_OP) == []
    assert named(tracker, OperationType.LAYER_OP) == LAYERS
    assert "AddmmBackward0" in named(tracker, OperationType.GRADIENT_OP)
    assert sum(node.memory_usage for node in tracker.nodes if node.operation_type is OperationType.MEMORY_OP) > 0
    assert tracker.get_graph_summary()["execution_time"] > 0


def test_a_run_of_the_user_s_own_is_tracked_where_it_stands() -> None:
    names = ran(documented.MANUAL)
    tracker = names["tracker"]
    assert names["summary"]["module_calls"] == 4  # the model and its layers, each once
    assert names["summary"]["total_nodes"] == len(names["graph_data"]["nodes"])
    assert named(tracker, OperationType.LAYER_OP) == LAYERS
    assert named(tracker, OperationType.FORWARD) == ["run", "Sequential"]
    assert set(LAYERS) <= {node.module_name for node in of_kind(tracker, OperationType.BACKWARD)}
    assert all(parameter.grad is not None for parameter in names["model"].parameters())


def of_kind(tracker: ComputationalGraphTracker, kind: OperationType) -> list[GraphNode]:
    return [node for node in tracker.nodes if node.operation_type is kind]


def test_performance_is_told_layer_by_layer(capsys: pytest.CaptureFixture[str]) -> None:
    names = ran(documented.PERFORMANCE)
    out = capsys.readouterr().out
    assert numbers(out)["Operations per second"] == round(names["performance"]["operations_per_second"], 2)
    assert names["performance"]["memory_usage"]["parameters"] == 4 * (10 * 20 + 20 + 20 + 1)
    assert f"Memory usage: {names['performance']['memory_usage']}" in out
    (first,) = re.findall(r"^0:\n((?:  - .*\n)+)", out, re.MULTILINE)
    assert "  - tensor_op: [[20], [1, 10], [10, 20]] -> [[1, 20]]" in first.splitlines()


def test_a_picture_of_plotly_is_made_one_s_own(shown: list[Any]) -> None:
    names = ran(documented.PLOTLY)
    layout = names["fig"].layout
    assert (layout.title.text, layout.width, layout.height) == ("PyTorch Computational Graph", 1200, 800)
    assert "PyTorch Computational Graph" in Path("computational_graph.html").read_text("utf-8")
    assert shown == [names["fig"]]


@pytest.mark.filterwarnings("ignore:.*tight_layout:UserWarning")
def test_a_picture_of_matplotlib_is_made_one_s_own(shown: list[Any]) -> None:
    names = ran(documented.MATPLOTLIB)
    assert shown == [names["fig"]]
    assert names["fig"].axes[0].get_title() == "PyTorch Computational Graph"
    assert is_drawn_on(Path("computational_graph.png"))


@pytest.mark.parametrize("library", ["torch", "plotly", "matplotlib"])
def test_what_is_not_installed_is_told_with_the_command_that_installs_it(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = {"torch": documented.NO_TORCH, "plotly": documented.NO_PLOTLY, "matplotlib": documented.NO_MATPLOTLIB}
    (package,) = shlex.split(blocks[library].text)[2:]
    assert package == library
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match="pip install ") as raised:
        tracking.visualize_computational_graph(None, None, renderer="plotly" if library == "torch" else library)
    asked = str(raised.value).partition("pip install ")[2].strip("'")
    assert package in packages_of(asked)


def packages_of(asked: str) -> set[str]:
    """What pip installs for ``name`` or ``name[extra]``."""
    extra = re.fullmatch(r"pytest-torchgraph\[(\w+)\]", asked)
    if extra is None:
        return {asked}
    lines = [line for line in requires("pytest-torchgraph") or () if re.search(f"extra == .{extra[1]}.", line)]
    return {re.match(r"[\w-]+", line)[0] for line in lines}  # type: ignore[index]  # a requirement begins with a name


def test_the_training_loop_tells_of_every_epoch_and_trains_as_without_the_tracker(
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch.manual_seed(0)
    batches = [(torch.randn(4, 10), torch.randn(4, 1)) for _ in range(3)]
    trained = []
    for track in (NAMES["track_computational_graph_execution"], lambda *_: Quiet()):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20), nn.Dropout(0.5), nn.ReLU(), nn.Linear(20, 1))
        names = ran(documented.LOOP, optimizer=torch.optim.Adam(model.parameters()), criterion=nn.MSELoss())
        names["track_computational_graph_execution"] = track
        names["train_with_tracking"](model, batches, num_epochs=2)
        trained.append(model.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])
    told = re.findall(r"^Epoch ([01]): (\d+) operations$", capsys.readouterr().out, re.MULTILINE)
    assert [epoch for epoch, _ in told] == ["0", "1"] * 2
    assert all(int(count) > 60 for _, count in told[:2])


class Quiet:
    """A tracker that tracks nothing."""

    def get_graph_summary(self) -> dict[str, int]:
        return {"total_nodes": 0}
