"""Watching a run adds no operation to it and keeps nothing of it alive."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture.tensor import Identity
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls, example, stream_of


def perceptron() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8), nn.Softmax(-1)), example(4, 8)


def convolutions() -> tuple[nn.Module, Tensor]:
    layers = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*layers), example(2, 3, 8, 8)


def encoder() -> tuple[nn.Module, Tensor]:
    return nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), example(2, 5, 8)


def recurrent() -> tuple[nn.Module, Tensor]:
    return nn.GRU(8, 4, batch_first=True), example(2, 3, 8)


def factories() -> tuple[nn.Module, Tensor]:
    def forward(module: Any, x: Tensor) -> Tensor:
        mask = torch.ones(4, 8).triu()
        return (x * mask + torch.arange(8.0) + torch.zeros(4, 8).add_(1)).relu()

    return Calls(forward), example(4, 8)


MODELS: list[Callable[[], tuple[nn.Module, Tensor]]] = [perceptron, convolutions, encoder, recurrent, factories]


def names(graph: Graph) -> list[str]:
    return [operation.name for operation in graph.operations]


def first(output: Any) -> Tensor:
    found = output[0] if isinstance(output, tuple) else output
    assert isinstance(found, Tensor)
    return found


def step(model: nn.Module, x: Tensor) -> None:
    first(model(x)).sum().backward()


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("grad", [True, False])
def test_a_forward_pass_dispatches_what_it_does_unwatched(
    make: Callable[[], tuple[nn.Module, Tensor]], grad: bool
) -> None:
    model, x = make()
    with torch.set_grad_enabled(grad):
        assert names(trace(model, x)) == stream_of(lambda: model(x))


@pytest.mark.parametrize("make", [perceptron, convolutions, encoder, recurrent])
def test_a_training_step_dispatches_what_it_does_unwatched(make: Callable[[], tuple[nn.Module, Tensor]]) -> None:
    model, x = make()
    bare = stream_of(lambda: step(model, x))
    model.zero_grad()
    with record(model) as recording:
        step(model, x)
    assert names(recording.graph) == bare


def test_detach_is_recorded_as_often_as_it_happens() -> None:
    model, x = perceptron()
    bare = stream_of(lambda: step(model, x))
    model.zero_grad()
    with record(model) as recording:
        step(model, x)
    assert recording.graph.op_counts["aten.detach"] == bare.count("aten.detach.default") > 0


def test_holding_tensors_would_have_changed_the_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Tensor] = []
    meet = Identity.meet

    def holding_meet(self: Identity, tensor: Tensor, *args: Any) -> Any:
        held.append(tensor)
        return meet(self, tensor, *args)

    monkeypatch.setattr(Identity, "meet", holding_meet)
    model, x = perceptron()
    bare = stream_of(lambda: step(model, x))
    model.zero_grad()
    with record(model) as recording:
        step(model, x)
    assert names(recording.graph) != bare


def test_an_intermediate_result_dies_with_its_last_use() -> None:
    alive: list[bool] = []

    def forward(module: Any, x: Tensor) -> Tensor:
        middle = x.sin()
        watched = weakref.ref(middle)
        result = middle.cos()
        alive.append(watched() is not None)
        del middle
        alive.append(watched() is not None)
        return result

    with torch.no_grad():
        trace(Calls(forward), example(4, 8))
    assert alive == [True, False]


def test_neither_model_nor_output_outlives_its_owner() -> None:
    outputs: list[weakref.ref[Tensor]] = []

    def forward(module: Any, x: Tensor) -> Tensor:
        result = module.mix(x)
        outputs.append(weakref.ref(result))
        return result

    model = Calls(forward, mix=nn.Linear(8, 8))
    watched = weakref.ref(model)
    graph = trace(model, example(4, 8))
    assert outputs[0]() is None
    del model
    gc.collect()
    assert watched() is None
    assert len(graph.operations) > 0


def test_an_attribute_that_the_model_lets_go_of_is_freed_in_a_recorded_block() -> None:
    model: Any = Calls(lambda module, x: x)
    model.cache = torch.zeros(1000)
    with record(model) as recording:
        model.cache = None
        torch.zeros(10).sin()
    assert recording.graph.memory.timeline[-1] == 80  # zeros and sin


@pytest.mark.parametrize("make", MODELS)
def test_the_timeline_does_not_depend_on_the_collector(make: Callable[[], tuple[nn.Module, Tensor]]) -> None:
    model, x = make()
    on = trace(model, x)
    gc.disable()
    try:
        off = trace(model, x)
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert on.memory == off.memory


def test_garbage_in_cycles_from_before_does_not_die_inside_the_run() -> None:
    class Ring:
        def __init__(self) -> None:
            self.me = self
            self.tensor = torch.zeros(1000)

    Ring()
    model, x = perceptron()
    trace(model, x)
    assert gc.isenabled()


def test_every_trace_of_one_model_is_the_same() -> None:
    model, x = encoder()
    graphs = [trace(model, x) for _ in range(3)]
    assert graphs[0].memory == graphs[1].memory == graphs[2].memory
    assert len({hash(graph) for graph in graphs}) == 1


def test_weights_that_autocast_has_cast_before_are_cast_again() -> None:
    model, x = nn.Linear(8, 8), example(4, 8)
    with torch.autocast("cpu", torch.bfloat16):
        first = trace(model, x)
        assert trace(model, x) == first
        model(x)
        assert trace(model, x) == first
    assert first.casts == 3


def test_weights_cast_while_tracing_are_not_used_afterwards() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        with torch.no_grad():
            module.mix.weight.zero_()
        return module.mix(x)

    model, x = Calls(forward, mix=nn.Linear(8, 8)), example(4, 8)
    with torch.autocast("cpu", torch.bfloat16):
        before = model.mix(x)  # type: ignore[operator]
        trace(model, x)
        assert torch.equal(model.mix(x), before)  # type: ignore[operator]


def test_nothing_of_a_run_is_left_when_its_graph_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    identities: list[weakref.ref[Identity]] = []

    def made() -> Identity:
        identity = Identity()
        identities.append(weakref.ref(identity))
        return identity

    monkeypatch.setattr("pytest_torchgraph.capture.recording.identity", made)
    # PyTorch keeps every kernel that it is given for an operator, and with it whatever the function closes over.
    graph = trace(*encoder())
    assert graph.attention
    del graph
    gc.collect()
    assert [identity() for identity in identities] == [None]
