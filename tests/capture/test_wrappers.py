"""Tensors that only wrap others count by what they hold, under the names of the parameters that they are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor

from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import example
from tests.regressions.process_group import ranks

X = example(4, 8)


class Int8(Tensor):
    """Weights in eight bits beside their scale, whose optimizer rounds, as torchao trains them."""

    @staticmethod
    def __new__(cls, bits: Tensor, scale: Tensor) -> Any:
        return Tensor._make_wrapper_subclass(cls, bits.shape, dtype=torch.float32)

    def __init__(self, bits: Tensor, scale: Tensor) -> None:
        self.bits, self.scale = bits, scale

    def __tensor_flatten__(self) -> Any:
        return ["bits", "scale"], None

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is nn.functional.linear:
            return Linear.apply(*args[:2])
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        own = args[0]
        if func is torch.ops.aten.detach.default:
            return cls(own.bits, own.scale)
        if func is torch.ops.aten.add_.Tensor:
            updated = own.bits.float() * own.scale + kwargs["alpha"] * args[1]
            own.bits.copy_((updated / own.scale).round())
            return own
        if func is torch.ops.aten._foreach_add_.List:
            for one, gradient in zip(*args, strict=True):
                one.add_(gradient, **kwargs)
            return None
        raise NotImplementedError(func)


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Any) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x @ (weight.bits.float() * weight.scale).T

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        return grad @ (weight.bits.float() * weight.scale), grad.T @ x


def quantized(count: int) -> nn.Module:
    model = nn.Sequential(*(nn.Linear(8, 8, bias=False) for _ in range(count)))
    for layer in model:
        layer.weight = nn.Parameter(Int8(torch.ones(8, 8, dtype=torch.int8), torch.ones(())))
    return model


def require_loaded(graph: Graph) -> None:
    """The file of *graph* says what *graph* says, and each of its operations can be told."""
    back = read(write(graph.canonical, test="test", recorded="here")).program
    assert back == graph.canonical
    assert expanded(back).canonical == graph.canonical


@pytest.mark.parametrize(("foreach", "momentum", "count"), [*product((True, False), (0.0, 0.9), (1, 2))])
def test_a_step_with_wrapped_parameters_is_written_and_loaded(foreach: bool, momentum: float, count: int) -> None:
    model = quantized(count)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum, foreach=foreach)
    graph = trace(model, X, backward=True, optimizer=optimizer)
    require_loaded(graph)
    memory = graph.memory
    assert memory.parameter_bytes == count * (64 + 4)
    assert bytes_of(graph, "gradients") == {f"{index}.weight.grad": 256 for index in range(count)}
    assert bytes_of(graph, "other") == {}


def bytes_of(graph: Graph, category: str) -> dict[str | None, int]:
    lives = graph.memory.lives or ()
    return {graph.storages[life.storage].name: life.bytes for life in lives if life.category == category}


class Halves(torch.optim.Optimizer):
    """Halves gradients and looks at no parameter."""

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        super().__init__(parameters, {})

    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad.mul_(0.5)


def test_a_step_that_reads_no_parameter_is_written_and_loaded() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    model(X).sum().backward()
    with record(model) as recording:
        Halves(model.parameters()).step()
    require_loaded(recording.graph)


@pytest.mark.parametrize("foreach", [True, False])
def test_a_step_over_parameters_that_nothing_else_reads_is_written_and_loaded(foreach: bool) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    with record(model) as recording:
        torch.optim.SGD(model.parameters(), foreach=foreach).step()
    require_loaded(recording.graph)


def test_a_sharded_step_holds_local_shards_once() -> None:
    with ranks(4):
        mesh = init_device_mesh("cpu", (4,))
        model = nn.Linear(8, 16)
        for name, parameter in list(model.named_parameters()):
            setattr(model, name, nn.Parameter(distribute_tensor(parameter.detach(), mesh, [Shard(0)])))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x = distribute_tensor(X, mesh, [Shard(1)])
        graph = trace(model, x, backward=lambda output: output.to_local().sum(), optimizer=optimizer)
    local = {"weight": 4 * 16 * 8 // 4, "bias": 4 * 16 // 4}
    memory = graph.memory
    assert memory.parameter_bytes == sum(local.values())
    assert bytes_of(graph, "parameters") == {f"{name}._local_tensor": size for name, size in local.items()}
    assert bytes_of(graph, "gradients") == {f"{name}._local_tensor.grad": size for name, size in local.items()}
    assert bytes_of(graph, "optimizer state") == {
        f"{name}._local_tensor.momentum_buffer": size for name, size in local.items()
    }
    assert bytes_of(graph, "other") == {}
