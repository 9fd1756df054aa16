from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, distributed, nn
from torch.distributed import _functional_collectives as functional
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from pytest_torchgraph import record, trace
from pytest_torchgraph.diff.change import MetricChanged
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.recorded.collective import KINDS, Redistribution, kind_of
from pytest_torchgraph.recorded.operation import Group
from pytest_torchgraph.snapshot.literal import LITERAL, literal_of, literal_text
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from pytest_torchgraph.verdict.budget import check_budget
from pytest_torchgraph.verdict.measure import BudgetUnreadable
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


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))


def gathered_layers() -> nn.Module:
    model: Any = two_layers()
    for layer in (model[0], model[2], model):
        fully_shard(layer, mesh=init_device_mesh("cpu", (4,)))
    return model


def split_layers() -> nn.Module:
    plan: Any = {"0": ColwiseParallel(), "2": RowwiseParallel()}
    return parallelize_module(two_layers(), init_device_mesh("cpu", (4,)), plan)


EVERYONE: Any = distributed


def summed_twice() -> Callable[[Tensor], Tensor]:
    def run(x: Tensor) -> Tensor:
        made = functional.all_reduce(x + 1, "sum", EVERYONE.group.WORLD)
        distributed.all_reduce(made)
        distributed.barrier()
        return made * 2

    return run


OF_PYTORCH = {
    "all_reduce": "all_reduce",
    "allreduce_": "all_reduce",
    "_allgather_base_": "all_gather",
    "_reduce_scatter_base_": "reduce_scatter",
}
"""What ``CommDebugMode`` calls the collectives of these models; it knows no barrier."""


# Said of what the hooks of CommDebugMode return.
@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module:UserWarning")
@pytest.mark.parametrize("build", [gathered_layers, split_layers, summed_twice])
def test_collectives_are_counted_as_pytorch_counts_them(build: Callable[[], Any]) -> None:
    x = torch.ones(8, 16, requires_grad=True)  # the hooks of CommDebugMode warn where no input does
    step = build is not summed_twice
    with ranks(4):
        model, counted = build(), CommDebugMode()
        with counted:
            model(x).sum().backward() if step else model(x)
        graph = trace(model, x, backward=step)
    pytorch: Counter[str] = Counter()
    for packet, count in counted.get_comm_counts().items():
        pytorch[OF_PYTORCH[packet.__name__]] += count
    ours = Counter(one.kind for one in graph.collectives if one.kind != "barrier")
    assert ours == pytorch
    assert ours.total() > 0
    assert {kind: graph.op_counts[f"collectives.{kind}"] for kind in ours} == dict(pytorch)


def test_a_collective_says_its_module_its_phase_and_the_size_of_its_message() -> None:
    with ranks(4):
        graph = trace(gathered_layers(), torch.ones(8, 16), backward=True)
    both = 4 * (16 * 16 + 16)
    told = [(one.kind, one.reduction, one.ranks, one.bytes, one.module, one.phase) for one in graph.collectives]
    everyone = (0, 1, 2, 3)
    assert told[0] == ("all_gather", None, everyone, both, "0", "forward")
    assert told[-1][:4] == ("reduce_scatter", "avg", everyone, both)
    assert told[-1][5] == "backward"
    assert graph.communicated.exactly() == sum(one.bytes or 0 for one in graph.collectives) == 6 * both
    assert graph.select(phase="backward").communicated == 4 * both


def test_messages_are_as_large_as_what_is_gathered_or_scattered_and_barriers_send_nothing() -> None:
    def run(x: Tensor) -> None:
        everyone: Any = distributed
        small, large = x + 1, torch.empty(32)
        everyone.all_gather(list(large.chunk(4)), small)
        everyone.reduce_scatter(small, list(large.chunk(4)))
        everyone.all_to_all_single(small, small + 1)
        everyone.broadcast(small, 0)
        everyone.send(small, 1)
        everyone.recv(small, 1)
        everyone.barrier()

    with ranks(4), record() as recording:
        run(torch.ones(8))
    assert [(one.kind, one.bytes) for one in recording.graph.collectives] == [
        ("all_gather", 128),
        ("reduce_scatter", 128),
        ("all_to_all", 32),
        ("broadcast", 32),
        ("send", 32),
        ("recv", 32),
        ("barrier", 0),
    ]


COMMUNICATING = ("c10d", "_c10d_functional", "_c10d_functional_autograd", "_dtensor")
SILENT = {"wait_tensor", "_wrap_tensor_autograd", "check_for_nan", "mesh_get_process_group"}


def test_every_operation_of_pytorch_that_sends_something_has_a_kind() -> None:
    names = [name.replace("::", ".") for name in torch._C._dispatch_get_all_op_names()]
    sending = {name for name in names if name.split(".")[0] in COMMUNICATING and name.split(".")[1] not in SILENT}
    assert len(sending) > 30
    assert {name: kind_of(name) for name in sending if kind_of(name) not in KINDS} == {}
    assert all(kind_of(name) is None for name in names if name.split(".")[1] in SILENT)
    assert kind_of("aten.gather.default") is None


def test_budgets_limit_collectives_by_kind_by_phase_and_by_size() -> None:
    with ranks(4):
        graph = trace(gathered_layers(), torch.ones(8, 16), backward=True)
    kept = {"collectives": 6, "collectives.all_gather": 4, "collectives.all_reduce": 0, "communicated": 6528}
    assert check_budget(graph, {**kept, "backward.collectives.reduce_scatter": 2, "backward.communicated": 4352}) == []
    broken = {"collectives.all_gather": 3, "communicated": "6 KiB", "backward.communicated": "4 KiB"}
    found = check_budget(graph, broken)
    assert [finding.title for finding in found] == [
        "collectives.all_gather 4, budget at most 3",
        "communicated 6.4 KiB, budget at most 6.0 KiB",
        "backward.communicated 4.2 KiB, budget at most 4.0 KiB",
    ]
    assert found[0].details == ("modules 0, 2 ×2: 4",)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("collectives.allreduce", "there is no such collective; did you mean 'all_reduce'"),
        ("collectives.", "there is no such collective"),
        ("backward.collectives.gatherall", "there is no such collective"),
        ("comunicated", "did you mean 'communicated'"),
    ],
)
def test_a_collective_that_there_is_not_is_refused(key: str, words: str) -> None:
    with pytest.raises(BudgetUnreadable, match=words):
        check_budget(trace(nn.Linear(2, 2), torch.ones(2, 2)), {key: 1})


def test_the_head_of_a_file_counts_collectives_and_a_graph_read_from_it_tells_the_same() -> None:
    with ranks(4):
        graph = trace(split_layers(), torch.ones(8, 16))
    text = write(graph.canonical, test="test", recorded="here")
    assert "\ncollectives 1\ncommunicated 512\n" in text
    stored = expanded(read(text).program)
    assert stored.count("collectives") == 1
    assert [(one.kind, one.bytes, one.ranks) for one in stored.collectives] == [("all_reduce", 512, (0, 1, 2, 3))]
    assert "collectives" not in write(trace(two_layers(), torch.ones(8, 16)).canonical, test="test", recorded="here")


def test_a_file_from_before_collectives_were_counted_is_no_drift() -> None:
    with ranks(4):
        now = trace(split_layers(), torch.ones(8, 16)).canonical
    text = write(now, test="test", recorded="here")
    text = re.sub(r"(collectives|communicated) \d+\n", "", text)
    earlier = read(text.replace(", asked='user', from=['P(sum)'], to=['R']", "")).program
    assert "asked" not in str(earlier.root)
    for before, after in ((earlier, now), (now, earlier)):
        assert compare(before, after).changes == ()


def test_collectives_that_come_are_counted_from_nothing() -> None:
    with ranks(4):
        before, after = (trace(build(), torch.ones(8, 16)) for build in (two_layers, split_layers))
    moved = [each for each in compare(before.canonical, after.canonical).changes if isinstance(each, MetricChanged)]
    assert [(each.name, each.before, each.after) for each in moved if each.name.startswith("co")] == [
        ("collectives", 0, 1),
        ("communicated", 0, 512),
    ]


def test_a_redistribution_says_its_placements_and_who_asks_for_it() -> None:
    def build() -> Callable[[Tensor], Tensor]:
        mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("rows", "columns"))
        weight = distribute_tensor(torch.ones(16, 16), mesh, [Shard(0), Replicate()])

        def run(x: Tensor) -> Tensor:
            local = DTensor.from_local(x, mesh, [Replicate(), Shard(0)])
            made: Any = local @ weight
            whole: Any = made.redistribute(mesh, [Replicate(), Replicate()])
            apart: Any = DTensor.from_local(x, mesh, [Shard(0), Replicate()])
            return whole.to_local().sum() + (apart + local).to_local().sum()

        return run

    graph = trace(build, torch.ones(8, 16), world_size=4)
    told = [(one.kind, one.redistribution) for one in graph.collectives]
    by_code = Redistribution(("P(sum)", "S(0)"), ("R", "R"), "user")
    assert told[:2] == [("all_gather", by_code), ("all_reduce", by_code)]
    assert {one.asked for _, one in told[2:] if one is not None} == {"rule"}
    assert told[2:] != []
    assert by_code.text == "P(sum) S(0) -> R R"
    text = write(graph.canonical, test="test", recorded="here")
    assert "asked='user', from=['P(sum)', 'S(0)'], to=['R', 'R'])" in text
    assert read(text).program == graph.canonical
    stored = expanded(read(text).program)
    assert [one.redistribution for one in stored.collectives] == [one for _, one in told]


def test_what_is_no_redistribution_says_nothing_of_one() -> None:
    with ranks(4):
        graph = trace(summed_twice(), torch.ones(8, 16))
    assert [one.redistribution for one in graph.collectives] == [None] * 3
