"""Tensors and storages are told apart however they come and go."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.capture.tensor import Identity
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Operation, tensors_in
from tests.capture.small import Calls, example


def only(graph: Graph, packet: str) -> Operation:
    (found,) = (operation for operation in graph.operations if operation.packet == packet)
    return found


def read_storages(operation: Operation) -> list[int]:
    return [reference.storage for reference in tensors_in(operation.arguments)]


def made_storages(operation: Operation) -> list[int]:
    return [reference.storage for reference in tensors_in(operation.results)]


def test_an_id_that_is_used_again_is_another_tensor() -> None:
    identity = Identity()
    tensor = torch.zeros(3)
    before = identity.meet(tensor, "result")
    seen = identity.seen[id(tensor)]
    del tensor
    other = torch.zeros(3)
    identity.seen[id(other)] = seen  # as if the address had been used again
    after = identity.read(other)
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_short_lived_tensors_are_never_confused() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        for _ in range(50):
            x = x.sin().cos()
        return x

    with torch.no_grad():
        graph = trace(Calls(forward), example(4, 8))
    for before, after in zip(graph.operations, graph.operations[1:], strict=False):
        assert made_storages(before) == read_storages(after)
    assert len({made_storages(operation)[0] for operation in graph.operations}) == 100


def test_a_freed_storage_is_not_taken_for_the_next_at_its_address() -> None:
    identity = Identity()
    places = set()
    for _ in range(20):
        places.add(identity.meet(torch.zeros(1000), "result")[1])
    assert len(places) == 20
    assert identity.live == 0
    assert not identity.storages


def test_a_parameter_whose_data_was_swapped_reads_its_new_storage() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        module.mix.weight.data = module.mix.weight.data * 2
        return module.mix(x)

    graph = trace(Calls(forward, mix=nn.Linear(8, 8)), example(4, 8))
    made = made_storages(only(graph, "aten.mul"))
    (weight,) = (ref for ref in tensors_in(only(graph, "aten.addmm").arguments) if ref.storage in made)
    assert graph.storages[weight.storage].kind == "result"


def test_a_tensor_whose_shape_changes_in_place_is_read_as_it_is_then() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        y = x + 1
        y.unsqueeze_(0).transpose_(1, 2)
        return y.sin()

    graph = trace(Calls(forward), example(4, 8))
    (read,) = tensors_in(only(graph, "aten.sin").arguments)
    assert read.spec.shape == (1, 8, 4)
    assert read.spec.geometry is not None
    assert read.spec.geometry.stride[1:] == (1, 8)
    assert read.storage in made_storages(only(graph, "aten.add"))


def test_a_tensor_that_is_set_to_another_storage_reads_that() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        y, z = x + 1, torch.zeros(3)
        z.set_(y)  # type: ignore[call-overload]
        return z.sin()

    graph = trace(Calls(forward), example(4, 8))
    assert read_storages(only(graph, "aten.sin")) == made_storages(only(graph, "aten.add"))


def test_growing_a_tensor_counts_its_bytes() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        y = x + 1
        y.resize_(100, 100)
        return y.zero_()

    graph = trace(Calls(forward), example(4, 8))
    assert graph.memory.peak == 4 * 8 * 4 + 100 * 100 * 4


def test_views_share_a_storage_and_are_values_of_their_own() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        left, right = (x + 1).chunk(2, 1)
        return left * right

    graph = trace(Calls(forward), example(4, 8))
    left, right = tensors_in(only(graph, "aten.mul").arguments)
    assert left.storage == right.storage
    assert left.value != right.value
    assert (left.spec.geometry and left.spec.geometry.offset, right.spec.geometry and right.spec.geometry.offset) == (
        0,
        4,
    )


def test_undeclared_writes_of_batch_norm_are_known() -> None:
    model, x = nn.BatchNorm2d(3), example(2, 3, 4, 4)
    written = only(trace(model.train(), x), "aten.native_batch_norm").writes
    graph = trace(model, x)
    assert {graph.storages[storage].name for storage in written} == {"running_mean", "running_var"}
    assert only(trace(model.eval(), x), "aten.native_batch_norm").writes == ()


def test_writes_name_every_storage_that_changes() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        y = torch.empty(4, 8)
        torch.add(x, 1, out=y)
        y[:, 0] = x[:, 1]
        torch._foreach_add_([y, x], 1)
        return y

    graph = trace(Calls(forward), example(4, 8))
    y = made_storages(only(graph, "aten.empty"))[0]
    x = graph.inputs[0][1].storage
    assert only(graph, "aten.add").writes == (y,)
    assert only(graph, "aten.copy_").writes == (y,)
    assert set(only(graph, "aten._foreach_add_").writes) == {x, y}


def test_an_operation_that_returns_its_operand_makes_no_value() -> None:
    graph = trace(Calls(lambda module, x: x.sin().add_(1)), example(4, 8))
    write = only(graph, "aten.add_")
    assert tensors_in(write.results)[0].value == tensors_in(write.arguments)[0].value


def test_values_from_outside_the_run_are_constants() -> None:
    captured = example(8)
    model = Calls(lambda module, x: x + captured + torch.from_numpy(captured.numpy() * 2))
    graph = trace(model, example(4, 8))
    kinds = [graph.storages[reference.storage].kind for reference in tensors_in(graph.operations[0].arguments)]
    assert kinds == ["input", "constant"]
    assert [storage.kind for storage in graph.storages].count("constant") == 2


def test_tensors_in_plain_attributes_have_names() -> None:
    model = Calls(lambda module, x: x + module.table)
    model.table = example(8)
    graph = trace(model, example(4, 8))
    assert ("attribute", "table") in {(storage.kind, storage.name) for storage in graph.storages}


def test_tied_weights_are_one_storage() -> None:
    model = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
    model[1].weight = model[0].weight
    graph = trace(model, example(4, 8))
    assert graph.memory.parameter_bytes == 8 * 8 * 4
    assert [storage.name for storage in graph.storages if storage.kind == "parameter"] == ["0.weight"]


def test_two_views_of_one_storage_as_inputs_share_it() -> None:
    whole = example(20)
    graph = trace(Calls(lambda module, a, b: a.add_(1) * b), (whole[:10], whole[5:15]))
    (_, a), (_, b) = graph.inputs
    assert a.storage == b.storage
    assert graph.memory.input_bytes == 80
    assert torch.equal(whole, example(20))


def test_one_tensor_passed_twice_is_one_value() -> None:
    x = example(4, 8)
    graph = trace(Calls(lambda module, a, b: a * b), (x, x))
    assert graph.inputs[0][1].storage == graph.inputs[1][1].storage
    assert len(set(read_storages(graph.operations[0]))) == 1


class Swapped(nn.Module):
    """Converts its layer in the way that swaps each parameter with the converted one."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        before = torch.__future__.get_swap_module_params_on_conversion()
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            self.layer.double()
        finally:
            torch.__future__.set_swap_module_params_on_conversion(before)
        y: Tensor = self.layer(x.double())
        return y


def test_tensors_may_be_swapped_while_recording() -> None:
    model = Swapped()
    weight, contents, swap = model.layer.weight, model.layer.weight.detach().clone(), torch.utils.swap_tensors
    graph = trace(model, torch.ones(3, 4), verify=True)
    assert [one.packet for one in graph.operations if not one.is_view] == ["aten._to_copy"] * 3 + ["aten.addmm"]
    assert model.layer.weight is weight
    assert torch.equal(weight, contents)
    assert weight.dtype is torch.float32
    assert torch.utils.swap_tensors is swap
    assert trace(model, torch.ones(3, 4)) == graph
