"""The live autograd graph of a model: nodes, edges, leaves by name, and saved tensors."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph import record
from pytest_torchgraph.catalog.autograd.live import (
    LiveGraph,
    NothingToDifferentiate,
    Reading,
    autograd_graph,
    to_dot,
    to_json,
    to_text,
)
from pytest_torchgraph.catalog.autograd.node import find
from pytest_torchgraph.catalog.autograd.scan import inventory
from pytest_torchgraph.cli.main import main

MODULE = """
import torch
def build():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()), torch.ones(2, 3)
def frozen():
    return lambda x: x + 1, torch.ones(1)
def raises():
    return lambda x: x.view(7), torch.ones(1)
"""


def graph_of(model: nn.Module, x: Tensor) -> LiveGraph:
    return autograd_graph([("", model(x))], {**dict(model.named_parameters()), "x": x})


def test_nodes_edges_parameters_and_saved_bytes() -> None:
    graph = graph_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.ones(2, 3))
    assert to_text(graph) == (
        "5 nodes, 4 edges; saved 32 bytes beside parameters, buffers and inputs\n"
        "output result n0\n"
        "n0 ReluBackward0 -> n1  saves result float32[2,4] 32 bytes\n"
        "n1 AddmmBackward0 -> n2, n3  saves mat1 float32[2,3] 24 bytes = x\n"
        "n2 AccumulateGrad 0.bias\n"
        "n3 TBackward0 -> n4\n"
        "n4 AccumulateGrad 0.weight\n"
    )


def test_the_graph_is_the_one_that_a_recorded_backward_pass_went_through() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = torch.ones(2, 3)
    live = autograd_graph([("", model(x).sum())], dict(model.named_parameters()))
    with record(model) as recording:
        model(x).sum().backward()
    recorded = recording.graph.nodes
    assert Counter(node.name for node in live.nodes) == Counter(node.name for node in recorded)
    assert {node.parameter for node in live.nodes} == {node.parameter for node in recorded}
    known = inventory(only_core=True).nodes
    assert all(find(known, node.name) for node in recorded)


def test_memory_that_two_nodes_save_is_counted_once() -> None:
    x = torch.ones(4, requires_grad=True)
    exponential = x.exp()
    graph = autograd_graph([("", exponential * exponential.sin())], {"x": x})
    assert sum(saved.bytes or 0 for node in graph.nodes for saved in node.saved) == 64
    assert graph.saved_bytes == 32


def test_an_edge_to_another_result_is_numbered() -> None:
    x = torch.ones(4, requires_grad=True)
    first, second = x.split(2)
    assert "n0 MulBackward0 -> n1, n1[1]" in to_text(autograd_graph([("", first * second)], {"x": x}))


def test_what_a_hook_has_packed_is_not_unpacked_and_its_size_is_unknown() -> None:
    runs = []

    class Counted(nn.Module):
        def forward(self, x: Tensor) -> Any:
            runs.append(1)
            return x.exp().sin()

    x = torch.ones(4, requires_grad=True)
    graph = autograd_graph([("", checkpoint(Counted(), x, use_reentrant=False))], {"x": x})
    assert len(runs) == 1
    assert graph.unknown == 2
    assert "saved ≥ 0 bytes" in to_text(graph)
    assert "? packed as _Holder" in to_text(graph)


def test_where_pytorch_can_only_unpack_what_is_saved_its_size_is_unknown() -> None:
    opaque = SimpleNamespace(_raw_saved_self=object())
    (saved,) = Reading({}, {}).saved(opaque)
    assert (saved.name, saved.bytes, saved.packed_as) == ("self", None, None)


def test_a_function_of_the_user_tells_what_it_saved() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x, x + 1)
            return x * 2

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return grads[0] * 2

    x = torch.ones(4, requires_grad=True)
    node = autograd_graph([("y", Double.apply(x))], {"x": x}).nodes[0]
    assert node.name == "DoubleBackward"
    assert [(one.name, one.bytes, one.parameter) for one in node.saved] == [
        ("tensors.0", 16, "x"),
        ("tensors.1", 16, None),
    ]


def test_outputs_without_a_graph_are_refused() -> None:
    with pytest.raises(NothingToDifferentiate, match="no output requires a gradient"):
        autograd_graph([("", torch.ones(1))], {})


def test_dot_escapes_names_and_json_has_every_node() -> None:
    x = torch.ones(4, requires_grad=True)
    graph = autograd_graph([('a"b', x.exp())], {'w"\n': x})
    dot = to_dot(graph)
    assert 'label="a\\"b"' in dot
    assert 'label="AccumulateGrad\\nw\\"\\n"' in dot
    record = json.loads(to_json(graph))
    assert [node["name"] for node in record["nodes"]] == ["ExpBackward0", "AccumulateGrad"]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of factories in the current folder, under a name of its own."""
    (tmp_path / "live_graph_models.py").write_text(MODULE, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "live_graph_models"


@pytest.mark.parametrize(("form", "start"), [("text", "5 nodes"), ("dot", "digraph autograd {"), ("json", "{\n")])
def test_the_command_prints_each_format(models: str, form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autograd", "graph", f"{models}:build", "--format", form]) == 0
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert "0.weight" in out


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("frozen", "no output requires a gradient"),
        ("raises", "does not run: RuntimeError"),
        ("buidl", "has no 'buidl'"),
    ],
)
def test_a_model_without_a_graph_ends_the_command_with_a_reason(
    models: str, factory: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["autograd", "graph", f"{models}:{factory}"]) == 2
    assert words in capsys.readouterr().err
