"""Frozen TorchScript, which keeps no attributes, and nested tensors with strides, which tell no sizes, are recorded."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.plugin.check.steady import settle
from tests.capture.small import Calls, example

X = example(4, 8)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU()).eval()


def loaded() -> Any:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.freeze(torch.jit.script(network())), buffer)
    buffer.seek(0)
    return torch.jit.load(buffer)


FROZEN: dict[str, Callable[[], Any]] = {
    "scripted": lambda: torch.jit.freeze(torch.jit.script(network())),
    "traced": lambda: torch.jit.freeze(torch.jit.trace(network(), X)),
    "loaded": loaded,
    "for inference": lambda: torch.jit.optimize_for_inference(torch.jit.script(network())),
}


@pytest.mark.parametrize("name", FROZEN)
def test_frozen_torchscript_is_recorded_by_itself_and_as_a_child(name: str) -> None:
    module = FROZEN[name]()
    for model in (module, Calls(lambda parent, x: parent.child(x) + 1, child=module)):
        assert trace(model, X).count("ops") >= 2


def test_what_torchscript_compares_while_it_optimizes_is_set_aside() -> None:
    model = nn.Sequential(nn.Linear(8, 8), FROZEN["scripted"]())
    with repeated(model, X, None, Options()) as again:
        first = again()
        steady = settle(first, again)
    assert first.op_counts["aten.equal"]
    assert not steady.graph.op_counts["aten.equal"]


def nested() -> Tensor:
    return torch.nested.nested_tensor([example(2, 8), example(3, 8)])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
@pytest.mark.parametrize("place", ["input", "list", "buffer", "attribute"])
def test_a_strided_nested_tensor_is_recorded_wherever_it_is(place: str) -> None:
    held = nested()
    model = Calls(lambda own, given: own.layer(HOW[place](own, given)).to_padded_tensor(0.0), layer=nn.Linear(8, 8))
    if place == "buffer":
        model.register_buffer("held", held)
    elif place == "attribute":
        model.held = held
    given: Any = {"input": held, "list": [held]}.get(place, X)
    graph = trace(model, (given,), verify=True)
    assert graph.notes[0].startswith("verified: ")
    assert len(graph.notes) == 1
    assert torch.equal(held.to_padded_tensor(0.0), nested().to_padded_tensor(0.0))


HOW: dict[str, Callable[[Any, Any], Tensor]] = {
    "input": lambda own, given: given,
    "list": lambda own, given: given[0],
    "buffer": lambda own, given: own.held,
    "attribute": lambda own, given: own.held,
}
