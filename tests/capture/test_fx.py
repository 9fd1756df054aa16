"""A record as an fx module computes what the model computes, bit by bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.capture.binding import as_call, bind, tensors_in
from pytest_torchgraph.capture.fx import NotBuildable
from pytest_torchgraph.capture.wrapper import unwrapped
from pytest_torchgraph.graph import expanded
from tests.models import MODELS
from tests.models.example import Example

UNNAMED = "from outside of the run that no name leads to"
OBJECT = "takes an object that no record holds"
UNBUILDABLE = {
    "flex_attention": OBJECT,
    "quantized": OBJECT,
    "containers": UNNAMED,
    "inplace_view": UNNAMED,
    "lazy_modules": UNNAMED,
    "nested_tensor": UNNAMED,
    "while_loop": UNNAMED,
    "zero_size": UNNAMED,
}
"""Traits whose record holds less than a module needs, and what the message says."""


def given(model: Any, args: Any, kwargs: Any) -> dict[str, Tensor]:
    bound = bind(model, *as_call(args, kwargs))
    return {path: tensor for name, value in bound.items() for path, tensor in unwrapped(tensors_in(value, name))}


def made(trait: str) -> Example:
    torch.manual_seed(0)
    example: Example = MODELS[trait]()
    trace(example.model, example.args, example.kwargs)  # a model may build caches in its first call
    return example


@pytest.mark.parametrize("trait", [trait for trait in MODELS if trait not in UNBUILDABLE])
def test_the_module_of_a_model_gives_the_same_bits(trait: str) -> None:
    example, other = made(trait), made(trait)
    graph = trace(example.model, example.args, example.kwargs)
    module = graph.to_fx(example.model)
    named = given(example.model, example.args, example.kwargs)
    torch.manual_seed(0)
    with torch.no_grad():
        found = module(*(named[path] for path, _ in graph.inputs))
    args, kwargs = as_call(other.args, other.kwargs)
    torch.manual_seed(0)
    expected = dict(unwrapped(tensors_in(other.model(*args, **kwargs))))
    found = {"": found} if isinstance(found, Tensor) else found
    assert list(found) == list(expected)
    for path, tensor in expected.items():
        torch.testing.assert_close(found[path], tensor.detach(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("trait", UNBUILDABLE)
def test_what_no_record_holds_is_told_with_its_operation(trait: str) -> None:
    example = made(trait)
    graph = trace(example.model, example.args, example.kwargs)
    with pytest.raises(NotBuildable, match=UNBUILDABLE[trait]):
        graph.to_fx(example.model)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h = torch.relu(self.up(x))
        return {"y": self.down(h), "h": h}


def test_nodes_tell_their_module_call_and_line() -> None:
    model = Block()
    module = trace(model, torch.ones(2, 8)).to_fx(model)
    nodes = {node.target: node for node in module.graph.nodes if node.op == "call_function"}
    node = nodes[torch.ops.aten.addmm.default]
    assert [path for path, _ in node.meta["nn_module_stack"].values()] == ["", "down"]
    assert "test_fx.py" in node.meta["stack_trace"]
    assert "in forward" in node.meta["stack_trace"]


def test_parameters_are_shared_with_the_model_and_learn() -> None:
    model = Block()
    module = trace(model, torch.ones(2, 8)).to_fx(model)
    assert {id(one) for one in module.parameters()} == {id(one) for one in model.parameters()}
    module(torch.ones(2, 8))["y"].sum().backward()
    found = [one.grad for one in model.parameters()]
    model.zero_grad()
    model(torch.ones(2, 8))["y"].sum().backward()
    for one, other in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(one, other.grad, rtol=0, atol=0)


def test_of_a_training_step_the_forward_pass_is_built() -> None:
    model = Block()
    step = trace(model, torch.ones(2, 8), backward=True, optimizer=torch.optim.SGD(model.parameters(), 0.1))
    assert step.to_fx(model)(torch.ones(2, 8)).keys() == {"y", "h"}


def test_a_model_that_is_missing_or_another_is_told() -> None:
    graph = trace(Block(), torch.ones(2, 8))
    with pytest.raises(
        NotBuildable, match=r"it reads parameter up\.\w+, which the model does not hold: to_fx\(model\)"
    ):
        graph.to_fx()


def test_a_graph_from_a_file_is_told_apart() -> None:
    with pytest.raises(ValueError, match="read from a file has no views"):
        expanded(trace(Block(), torch.ones(2, 8)).canonical).to_fx(Block())


def test_the_operations_are_a_graph_of_networkx() -> None:
    networkx = pytest.importorskip("networkx")
    graph = trace(Block(), torch.ones(2, 8))
    found = graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(found)
    assert list(found) == [one.index for one in graph.operations]
    names = networkx.get_node_attributes(found, "name")
    relu = next(at for at, name in names.items() if name == "aten.relu.default")
    assert [names[at] for at in found.predecessors(relu)] == ["aten.addmm.default"]
    assert [told["tensor"] for *_, told in found.in_edges(relu, data=True)] == ["f32[2,16]"]
