"""What is only asked of fake and ``meta`` tensors is no part of a run on real ones: no operation, byte or FLOP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import Graph
from tests.capture.small import example
from tests.regressions.process_group import ranks

X = example(4, 8)
LINEAR = nn.Linear(8, 8)


def facts(graph: Graph) -> tuple[Any, ...]:
    names = [operation.name for operation in graph.operations]
    memory = graph.memory
    return names, graph.flops, memory.peak, memory.timeline, graph.origin.device, memory.resident


def with_meta(x: Tensor) -> Tensor:
    first, second = (torch.empty(100, 100, device="meta") for _ in range(2))
    return LINEAR(x).reshape((first @ second).shape[0] // 25, -1)


def with_fake(x: Tensor) -> Tensor:
    with FakeTensorMode(allow_non_fake_inputs=True):
        size = (torch.empty(100, 100) @ torch.empty(100, 100)).shape[0]
    return LINEAR(x).reshape(size // 25, -1)


def without(x: Tensor) -> Tensor:
    return LINEAR(x).reshape(4, -1)


@pytest.mark.parametrize("probing", [with_meta, with_fake])
def test_a_probe_of_shapes_is_no_work(probing: Callable[[Tensor], Tensor]) -> None:
    for backward in (None, True):
        assert facts(trace(probing, X, backward=backward)) == facts(trace(without, X, backward=backward))


def test_a_probe_is_no_work_in_code_that_is_recorded_without_inputs() -> None:
    with record() as probed:
        with_meta(X)
    with record() as plain:
        without(X)
    assert facts(probed.graph) == facts(plain.graph)


def test_what_is_verified_or_timed_leaves_the_probe_out_too() -> None:
    assert trace(with_meta, X, verify=True).notes == ("verified: 3 operations replayed with the same bits",)
    timing = trace(with_meta, X, timing=1).timing
    assert timing is not None
    assert len(timing.operations) == 3


def test_attention_on_meta_tensors_is_no_call() -> None:
    def asks(x: Tensor) -> Tensor:
        probe = x.to("meta").expand(1, 1, 4, 8)
        nn.functional.scaled_dot_product_attention(probe, probe, probe)
        one = x.expand(1, 1, 4, 8)
        return nn.functional.scaled_dot_product_attention(one, one, one)

    graph = trace(asks, X)
    assert [call.index for call in graph.calls] == [0]
    assert {operation.call for operation in graph.operations} == {None, 0}


def test_a_run_on_meta_tensors_keeps_its_work() -> None:
    with torch.device("meta"):
        model = nn.Linear(8, 8)
        given, inside = trace(model, torch.empty(4, 8)), None
        with record(model) as recording:
            inside = model(torch.empty(4, 8))
    assert given.origin.device == recording.graph.origin.device == "meta"
    assert given.flops.at_least == recording.graph.flops.at_least == 512
    assert given.memory.parameter_bytes == 288
    assert inside is not None


# PyTorch itself looks at the gradient of a view while it makes a fake parameter.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_a_run_on_fake_tensors_keeps_its_work() -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        x = torch.empty(4, 8)
    graph = trace(nn.Linear(8, 8), x)
    assert graph.flops.at_least == 512
    assert graph.memory.peak == trace(nn.Linear(8, 8), X).memory.peak


class Offloaded(nn.Module):
    """Its weights are on ``meta`` and come from elsewhere for each call, as accelerate's ``cpu_offload`` does it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)
        self.kept = {name: one.detach().clone() for name, one in self.inner.named_parameters()}
        self.inner.to("meta")
        self.inner.register_forward_pre_hook(self.load)
        self.inner.register_forward_hook(self.unload)

    def load(self, module: nn.Module, _: Any) -> None:
        for name, one in self.kept.items():
            setattr(module, name, nn.Parameter(one.to("cpu", copy=True), requires_grad=False))

    def unload(self, module: nn.Module, *_: Any) -> None:
        for name, one in list(module._parameters.items()):
            assert one is not None
            setattr(module, name, nn.Parameter(one.to("meta"), requires_grad=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def test_weights_that_wait_on_meta_take_no_memory() -> None:
    graph = trace(Offloaded(), X)
    assert graph.origin.device == "cpu"
    assert graph.memory.resident == 4 * X.numel()
    assert graph.memory.parameter_bytes == 0
    assert [operation.packet for operation in graph.operations if not operation.is_view] == [
        "aten._to_copy",
        "aten._to_copy",
        "aten.addmm",
    ]
    kept, loaded, made = 4 * (64 + 8), 4 * (64 + 8), 4 * 32
    assert graph.memory.peak == graph.memory.resident + kept + loaded + made


def test_zeros_of_forward_differentiation_take_no_memory() -> None:
    def tangent(x: Tensor) -> Tensor:
        return torch.func.jvp(lambda x: LINEAR(x).tanh(), (x,), (x,))[1]

    graph = trace(tangent, X)
    assert graph.origin.device == "cpu"
    zeros = [one.results[0] for one in graph.operations if one.packet == "aten._efficientzerotensor"]
    assert zeros
    assert all(graph.storages[one.storage].bytes == 0 for one in zeros)  # type: ignore[union-attr]


class Pair(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(torch.relu(self.up(x)))


@pytest.mark.skipif(torch.__version__ < "2.10", reason="no fake kernel of c10d.scatter_ there")
@pytest.mark.parametrize("fake", [False, True])
def test_a_first_step_with_sharded_tensors_records_like_a_second(fake: bool) -> None:
    width = 20 if fake else 12  # sizes of their own: DTensor keeps what it has found out
    with ranks(4):
        mesh = init_device_mesh("cpu", (4,))
        plan = {"up": ColwiseParallel(), "down": RowwiseParallel()}

        def step() -> Graph:
            model = parallelize_module(Pair(width), mesh, plan)
            x = torch.zeros(8, width)
            return trace(model, x, backward=True, optimizer=torch.optim.AdamW(model.parameters()))

        if fake:
            with FakeTensorMode():
                graphs = [step() for _ in range(2)]
        else:
            graphs = [step() for _ in range(2)]
    cold, warm = graphs
    assert facts(cold) == facts(warm)
    assert cold == warm
    assert cold.flops.at_least == 2 * 8 * width * width * (2 + 3)


def test_a_mode_that_runs_all_ranks_at_once_records_like_one_rank() -> None:
    local = pytest.importorskip("torch.distributed._local_tensor")

    def step() -> Graph:
        mesh = init_device_mesh("cpu", (4,))
        model = parallelize_module(Pair(16), mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()})
        x = torch.zeros(8, 16)
        model(x)
        return trace(model, x, backward=True)

    with ranks(4):
        alone = step()
        with local.LocalTensorMode(4):
            together = step()
    work = [[one.packet for one in graph.operations if not one.is_view] for graph in (alone, together)]
    assert work[0] == work[1]
    assert "_c10d_functional.all_reduce" in work[1]
    assert together.flops == alone.flops
