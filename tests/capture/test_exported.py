"""Exported programs and graph modules are recorded in the module calls and lines that their nodes tell."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

from pytest_torchgraph import compare, trace
from pytest_torchgraph.capture.binding import as_call
from pytest_torchgraph.capture.exported import NoInputs
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Operation
from tests.real import factories

EXPORTED = ("bert", "gpt2", "llama", "t5", "vit", "clip")


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor, *, scale: Tensor | None = None) -> Tensor:
        y: Tensor = x + self.down(torch.nn.functional.gelu(self.up(self.norm(x))))
        return y if scale is None else y * scale


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        y: Tensor = self.head(x)
        return y


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Block()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"y": self.block(self.block(x), scale=x)}


X = torch.ones(2, 8)


def exported(model: nn.Module, *args: Any, **kwargs: Any) -> Any:
    return torch.export.export(model.eval(), args, kwargs)


def same(before: Graph, after: Graph) -> bool:
    """Whether the work is the same, in the same modules."""
    found = compare(before, after)
    assert not found.drifted, str(found)
    return before.canonical.root.items == after.canonical.root.items


@pytest.mark.parametrize("make", [Model, Twice])
def test_an_exported_program_is_recorded_as_its_model_is(make: type[nn.Module]) -> None:
    model = make().eval()
    assert same(trace(model, X), trace(exported(model, X), X))


def test_an_exported_program_is_recorded_without_running() -> None:
    model = Model().eval()
    graph = trace(exported(model, X))
    assert graph.origin.fake
    assert same(trace(model, X, fake=True), graph)


def test_an_exported_program_is_recorded_from_its_file(tmp_path: Path) -> None:
    program = exported(Model(), X)
    torch.export.save(program, tmp_path / "model.pt2")
    assert trace(tmp_path / "model.pt2") == trace(str(tmp_path / "model.pt2")) == trace(program)


def test_operations_of_an_exported_program_know_the_line_of_the_model() -> None:
    for given in ((), (X,)):
        (gelu, *_) = trace(exported(Model(), X), *given).select(op="aten.gelu")
        assert gelu.source is not None
        assert (Path(gelu.source.file).name, gelu.source.function) == (Path(__file__).name, "forward")


def test_inputs_by_keyword_reach_their_nodes() -> None:
    model = Block().eval()
    program = exported(model, X, scale=X * 2)
    expected = trace(model, X, {"scale": X * 2})
    assert same(expected, trace(program, (X,), {"scale": X * 2}))
    assert same(trace(model, X, {"scale": X * 2}, fake=True), trace(program))


@pytest.mark.parametrize("inside", [False, True])
def test_a_symbolically_traced_module_is_recorded_as_its_model_is(inside: bool) -> None:
    model = Model().eval()
    traced = fx.symbolic_trace(model)
    whole, other = (nn.Sequential(traced), nn.Sequential(model)) if inside else (traced, model)
    assert same(trace(other, X), trace(whole, X))


def test_the_mode_of_an_exported_program_is_not_told() -> None:
    assert trace(exported(Model(), X), X).origin.training == "none"
    found = compare(trace(Model().eval(), X), trace(exported(Model(), X), X))
    assert found.verdict.status == "note"


def test_a_step_through_an_exported_program_is_told_by_module() -> None:
    model = Model().eval()
    before, after = (trace(each, X, backward=True) for each in (model, exported(model, X)))
    assert same(before, after)


def test_a_graph_module_is_as_it_was_afterwards() -> None:
    module = fx.symbolic_trace(Model())
    forward, result = type(module).forward, module(X)
    trace(module, X)
    assert type(module).forward is forward
    assert torch.equal(module(X), result)


def test_a_graph_module_that_fails_names_its_module_and_is_as_it_was() -> None:
    module = fx.symbolic_trace(Model())
    forward = type(module).forward
    with pytest.raises(RuntimeError) as caught:
        trace(module, torch.ones(2, 9))
    assert "layers.0" in "".join(getattr(caught.value, "__notes__", [])) + str(caught.value)
    assert type(module).forward is forward


def test_a_program_without_inputs_says_what_to_pass() -> None:
    program = exported(Model(), X)
    program._example_inputs = None
    with pytest.raises(NoInputs, match="pass the inputs"):
        trace(program)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name != "bert")) for name in EXPORTED])
def test_an_exported_real_model_does_what_the_model_does(name: str) -> None:
    example = getattr(factories, name)()
    takes_cache = "use_cache" in inspect.signature(example.model.forward).parameters
    kwargs = {**example.kwargs, **({"use_cache": False} if takes_cache else {})}
    program = torch.export.export(example.model, as_call(example.args, kwargs)[0], as_call(example.args, kwargs)[1])
    eager, found = trace(example.model, example.args, kwargs), trace(program)
    assert products(eager) == products(found)
    # Under any tracing, transformers builds masks that it leaves out of a plain run: that is told, and nothing is lost.
    text = str(compare(trace(example.model, example.args, kwargs, fake=True), found))
    assert "mask" in text
    assert all(line_is_of_a_module(one) for one in found.select(op="matmuls"))


def products(graph: Graph) -> Counter[tuple[str, str]]:
    """Matrix products and attention by module."""
    found = Counter((graph.scopes[one.scope].path, one.packet) for one in graph.select(op="matmuls"))
    return found + Counter((graph.scopes[call.scope].path, call.name) for call in graph.calls)


def line_is_of_a_module(operation: Operation) -> bool:
    return operation.source is not None and operation.source.function == "forward"
