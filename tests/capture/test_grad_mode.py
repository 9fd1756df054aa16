"""Inference mode is recorded as ``no_grad``, whoever enters it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import record, trace
from tests.capture.small import Calls, example


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Dropout(0.5), nn.GELU()).eval()


class Decorated(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Any:
        return self.inner(x)


def test_inference_mode_around_the_trace_gives_the_stream_of_no_grad() -> None:
    model, x = network(), example(4, 8)
    with torch.no_grad():
        plain = trace(model, x)
    with torch.inference_mode():
        inferred = trace(model, x)
        assert torch.is_inference_mode_enabled()
    assert inferred == plain
    assert [operation.name for operation in inferred.operations] == [operation.name for operation in plain.operations]
    assert (inferred.origin.grad_mode, inferred.origin.inference_mode) == ("no_grad", True)
    assert (plain.origin.grad_mode, plain.origin.inference_mode) == ("no_grad", False)


def test_inference_mode_inside_the_model_is_noted() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        with torch.inference_mode():
            assert not torch.is_grad_enabled()
            result = module.inner(x)
        assert torch.is_grad_enabled()
        return result * 2

    graph = trace(Calls(forward, inner=network()), example(4, 8))
    assert graph.origin.inference_mode
    assert graph.op_counts["aten.addmm"] == 1
    assert not torch.is_inference_mode_enabled()


def test_inference_mode_as_a_decorator_is_noted() -> None:
    model, x = Decorated(network()), example(4, 8)
    graph = trace(model, x)
    assert graph.origin.inference_mode
    assert graph.op_counts["aten.addmm"] == 1
    assert model(x).is_inference()


def test_inference_mode_that_is_switched_off_changes_nothing() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        with torch.inference_mode(mode=False):
            return module.inner(x)

    graph = trace(Calls(forward, inner=network()), example(4, 8))
    assert not graph.origin.inference_mode


def test_nested_inference_modes_leave_the_grad_mode_as_it_was() -> None:
    states: list[bool] = []

    def forward(module: Any, x: Tensor) -> Tensor:
        with torch.inference_mode():
            with torch.inference_mode():
                states.append(torch.is_grad_enabled())
            states.append(torch.is_grad_enabled())
        states.append(torch.is_grad_enabled())
        return x + 1

    trace(Calls(forward), example(4, 8))
    assert states == [False, False, True]


def test_inference_tensors_may_be_inputs_and_be_written() -> None:
    with torch.inference_mode():
        x = torch.ones(4, 8)
        nested = {"cache": [torch.ones(3)]}
    graph = trace(Calls(lambda module, x, nested: x.add_(1) + nested["cache"][0].mul_(2).sum()), (x, nested))
    assert graph.op_counts["aten.add_"] == 1
    assert graph.op_counts["aten.mul_"] == 1
    assert x.is_inference()
    assert torch.equal(x, torch.ones(4, 8))
    assert torch.equal(nested["cache"][0], torch.ones(3))


def test_inference_tensors_may_be_written_while_inference_mode_is_on() -> None:
    with torch.inference_mode():
        x = torch.ones(4, 8)
        graph = trace(Calls(lambda module, x: x.add_(1)), x)
        assert graph.op_counts["aten.add_"] == 1
        assert x.is_inference()
        assert torch.equal(x, torch.ones(4, 8))


@pytest.mark.parametrize("inference", [True, False])
def test_buffers_made_in_inference_mode_may_be_written(inference: bool) -> None:
    with torch.inference_mode():
        model = nn.Sequential(nn.BatchNorm1d(8), nn.ReLU())
        model[0].register_buffer("missing", None)
    buffers = dict(model.named_buffers())
    x = example(4, 8)
    with torch.inference_mode(mode=inference), torch.no_grad():
        graph = trace(model, x)
    assert graph == no_grad_trace(nn.Sequential(nn.BatchNorm1d(8), nn.ReLU()), x)
    assert all(buffer is buffers[name] for name, buffer in model.named_buffers())
    assert not buffers["0.running_mean"].any()


def no_grad_trace(model: nn.Module, x: Tensor) -> Any:
    with torch.no_grad():
        return trace(model, x)


def test_weights_made_in_inference_mode_are_read() -> None:
    with torch.inference_mode():
        model = nn.Linear(8, 8)
    with torch.no_grad():
        assert trace(model, example(4, 8)).op_counts["aten.addmm"] == 1


def test_outputs_of_a_recorded_block_are_ordinary_tensors() -> None:
    model = network()
    with torch.inference_mode(), record(model) as recording:
        output = model(example(4, 8))
    assert recording.graph.origin.inference_mode
    assert not output.is_inference()


@pytest.mark.parametrize("grad", [True, False])
def test_the_grad_mode_is_that_of_the_caller(grad: bool) -> None:
    with torch.set_grad_enabled(grad):
        graph = trace(network(), example(4, 8))
    assert graph.origin.grad_mode == ("grad" if grad else "no_grad")


def test_the_class_is_as_it_was_afterwards() -> None:
    before = torch.inference_mode.__enter__, torch.inference_mode.__exit__
    trace(network(), example(4, 8))
    with pytest.raises(ZeroDivisionError):
        trace(Calls(lambda module, x: 1 / 0), example(4, 8))
    assert (torch.inference_mode.__enter__, torch.inference_mode.__exit__) == before
    with torch.inference_mode():
        assert torch.ones(1).is_inference()
