from __future__ import annotations

import re
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, distributed, nn
from torch.distributed import _functional_collectives as functional
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Group
from pytest_torchgraph.snapshot.literal import LITERAL, literal_of, literal_text
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.regressions.process_group import all_gather_single, process_group, ranks


def gathered(x: Tensor) -> Tensor:
    made = torch.empty_like(x)
    all_gather_single(made, x)
    return made + 1


def reduced(x: Tensor) -> Tensor:
    made = x + 1
    distributed.all_reduce(made)
    return made * 2


def test_a_collective_is_work_that_writes_what_it_is_given() -> None:
    with process_group():
        graphs = [trace(function, torch.ones(2)) for function in (gathered, reduced)]
    for graph, name in zip(graphs, ("c10d._allgather_base_.default", "c10d.allreduce_.default"), strict=True):
        (collective,) = (operation for operation in graph.operations if operation.name == name)
        assert not collective.is_view
        assert len(collective.writes) == 1


def test_a_collective_stands_in_the_snapshot() -> None:
    with process_group():
        text = write(trace(reduced, torch.ones(2)).canonical, test="test", recorded="here")
    assert "c10d.allreduce_" in text


def told(graph: Graph) -> list[tuple[str, list[object]]]:
    """Each collective with its group and reduction."""
    return [
        (operation.packet, [one for one in operation.arguments if isinstance(one, (Group, str))])
        for operation in graph.operations
        if "c10d" in operation.name and not operation.is_view
    ]


def test_a_collective_says_its_reduction_and_the_ranks_of_its_group() -> None:
    def run(x: Tensor) -> Tensor:
        made, many = x + 1, torch.empty(16)
        everyone.all_reduce(made, everyone.ReduceOp.AVG)
        everyone.all_reduce(made, everyone.ReduceOp.MAX, group=even)
        all_gather_single(many, made)
        everyone.broadcast(made, 0, group=even)
        return functional.all_reduce(made, "min", even) + 1

    everyone: Any = distributed
    with ranks(8):
        even = distributed.new_group([0, 2, 4, 6])
        graph = trace(run, torch.ones(2))
        groups = Group(tuple(range(8))), Group((0, 2, 4, 6))
    assert told(graph) == [
        ("c10d.allreduce_", [groups[0], "avg"]),
        ("c10d.allreduce_", [groups[1], "max"]),
        ("c10d._allgather_base_", [groups[0]]),
        ("c10d.broadcast_", [groups[1]]),
        ("_c10d_functional.all_reduce", ["min", groups[1]]),
    ]
    text = write(graph.canonical, test="test", recorded="here")
    assert "group(0-7), 'avg'" in text
    assert "group(0-6:2), 'max'" in text
    assert read(text).program == graph.canonical


def test_a_group_keeps_its_ranks_after_it_is_gone() -> None:
    with ranks(4), record() as recording:
        reduced(torch.ones(2))
    assert told(recording.graph) == [("c10d.allreduce_", [Group((0, 1, 2, 3)), "sum"])]


def test_sharded_training_says_how_gradients_are_reduced() -> None:
    def step(divide: float | None) -> Graph:
        model: Any = nn.Linear(4, 4)
        fully_shard(model, mesh=init_device_mesh("cpu", (2,)))
        if divide is not None:
            model.set_gradient_divide_factor(divide)
            model.set_force_sum_reduction_for_comms(enable=True)
        return trace(model, torch.ones(2, 4), backward=True)

    with ranks(2):
        average, total = step(None), step(2.0)
    (averaged,), (summed,) = (
        [one.arguments for one in graph.operations if one.packet == "c10d._reduce_scatter_base_"]
        for graph in (average, total)
    )
    assert (averaged[3], summed[3]) == ("avg", "sum")
    assert average != total


@given(st.lists(st.integers(0, 40), unique=True, max_size=12))
def test_the_ranks_of_a_group_are_written_and_read(numbers: list[int]) -> None:
    group = Group(tuple(numbers))
    assert re.fullmatch(LITERAL, group.text, re.ASCII)
    assert literal_of(literal_text(group)) == group


def sharded_step(**options: Any) -> Graph:
    """A step of a sharded model, not its first."""
    with ranks(4):
        model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
        for layer in (model[0], model[2], model):
            fully_shard(layer, mesh=init_device_mesh("cpu", (4,)))
        x = torch.ones(8, 16)
        model(x).sum().backward()
        return trace(model, x, backward=True, **options)


def test_gathered_weights_go_by_their_names_and_are_no_parameters_of_their_own() -> None:
    graph = sharded_step()
    named = {one.name: one.kind for one in graph.storages if one.name in ("0.weight", "2.weight", "0.bias", "2.bias")}
    assert named == dict.fromkeys(["0.weight", "0.bias", "2.weight", "2.bias"], "parameter")
    assert not [one for one in graph.storages if one.kind == "constant"]
    assert graph.memory.parameter_bytes == 4 * (2 * 16 * 16 + 2 * 16) // 4
    copies = [one for one in graph.operations if one.packet == "fsdp.all_gather_copy_in"]
    assert [one.is_view for one in copies] == [False] * len(copies) != []


def test_a_sharded_step_is_proved_but_for_what_other_ranks_do() -> None:
    first, *rest = sharded_step(verify=True).notes
    assert first.startswith("verified: ")
    assert {note.partition(": a collective")[0] for note in rest} == {
        "not replayed: c10d._allgather_base_.default",
        "not replayed: c10d._reduce_scatter_base_.default",
    }
