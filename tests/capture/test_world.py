"""One rank of a sharded model, recorded in one process in a group that sends nothing."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

from pytest_torchgraph import load, record, trace
from pytest_torchgraph.capture.sharded import FlatParameters
from pytest_torchgraph.capture.world import GroupInUse
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.regressions.process_group import process_group, ranks

X = torch.ones(8, 16)


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))


def fully_sharded() -> nn.Module:
    model, mesh = layers(), init_device_mesh("cpu", (distributed.get_world_size(),))
    for layer in (model[0], model[2], model):
        fully_shard(layer, mesh=mesh)
    return model


def sharded_in_pairs() -> nn.Module:
    model, mesh = layers(), init_device_mesh("cpu", (2, 2), mesh_dim_names=("replicate", "shard"))
    for layer in (model[0], model[2], model):
        fully_shard(layer, mesh=mesh)
    return model


def split() -> nn.Module:
    plan: Any = {"0": ColwiseParallel(), "2": RowwiseParallel()}
    return parallelize_module(layers(), init_device_mesh("cpu", (distributed.get_world_size(),)), plan)


def replicated(**options: Any) -> nn.Module:
    return DistributedDataParallel(layers(), **options)


def kinds(graph: Graph, **within: Any) -> Counter[tuple[str, tuple[int, ...] | None]]:
    chosen = set(graph.select(**within).operations) if within else set(graph.operations)
    return Counter((one.kind, one.ranks) for one in graph.collectives if graph.operations[one.operation] in chosen)


EVERYONE = (0, 1, 2, 3)
BUILT: dict[str, tuple[Callable[[], Any], dict[tuple[str, tuple[int, ...]], int]]] = {
    "FSDP2": (fully_sharded, {("all_gather", EVERYONE): 4, ("reduce_scatter", EVERYONE): 2}),
    "HSDP": (
        sharded_in_pairs,
        {("all_gather", (0, 1)): 4, ("reduce_scatter", (0, 1)): 2, ("all_reduce", (0, 2)): 2},
    ),
    "tensor parallel": (split, {("all_reduce", EVERYONE): 1}),
    "DDP": (replicated, {("all_reduce", EVERYONE): 1}),
}


@pytest.mark.parametrize("name", BUILT)
def test_a_training_step_is_recorded_with_what_its_ranks_send(name: str) -> None:
    build, collectives = BUILT[name]
    graph = trace(build, X, world_size=4, backward=True, warmup=2, optimizer=sgd)
    assert kinds(graph) == collectives
    assert (graph.origin.rank, graph.origin.world_size) == (0, 4)
    assert "rank 0 of 4" in recorded_line(graph)
    assert not distributed.is_initialized()


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize(
    "options",
    [{}, {"find_unused_parameters": True}, {"static_graph": True}, {"gradient_as_bucket_view": True}],
    ids=str,
)
def test_the_reducer_of_ddp_is_seen_with_all_its_options(options: dict[str, Any]) -> None:
    graph = trace(lambda: replicated(**options), X, world_size=4, backward=True, warmup=2)
    buckets = [one for one in graph.collectives if one.reduction == "sum" and one.bytes == 4 * 2 * (16 * 16 + 16)]
    assert len(buckets) == 1
    assert buckets[0].phase == "backward"


def test_a_hook_of_ones_own_is_left_to_reduce() -> None:
    def build() -> nn.Module:
        model = DistributedDataParallel(layers())
        model.register_comm_hook(None, lambda state, bucket: largest(bucket))
        return model

    graph = trace(build, X, world_size=2, backward=True)
    assert [one.reduction for one in graph.collectives] == ["max"]


def largest(bucket: Any) -> Any:
    everyone: Any = distributed
    everyone.all_reduce(bucket.buffer(), everyone.ReduceOp.MAX)
    future: torch.futures.Future[Tensor] = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future


@pytest.mark.parametrize("rank", [0, 1, 3])
@pytest.mark.parametrize("train", [False, True])
def test_a_stage_of_a_pipeline_sends_to_its_neighbours(rank: int, train: bool) -> None:
    def build() -> Any:
        from torch.distributed.pipelining import PipelineStage, ScheduleGPipe

        given = torch.ones(2, 16, requires_grad=train and rank > 0)
        out = torch.ones(2, 16, requires_grad=train)
        stage = PipelineStage(layers(), rank, 4, torch.device("cpu"), input_args=(given,), output_args=(out,))
        return ScheduleGPipe(stage, 4, loss_fn=nn.functional.mse_loss if train else None).step

    target = {"target": X} if train and rank == 3 else {}
    graph = trace(build, (X,) if rank == 0 else (), target, world_size=4, rank=rank, warmup=1)
    ways = (1 + train) * 4
    sent = (rank < 3) * 4 + train * (rank > 0) * 4
    expected = Counter({"send": sent, "recv": ways * (2 if 0 < rank < 3 else 1) - sent})
    assert Counter(one.kind for one in graph.collectives) == +expected
    assert {scope.path for scope in graph.scopes} == {"", "stage", "stage.0", "stage.1", "stage.2"}
    assert graph.memory.parameter_bytes == 4 * 2 * (16 * 16 + 16)


def test_a_stage_that_has_to_ask_for_shapes_says_what_to_give_it() -> None:
    def build() -> Any:
        from torch.distributed.pipelining import PipelineStage, ScheduleGPipe

        return ScheduleGPipe(PipelineStage(layers(), 1, 4, torch.device("cpu")), 4).step

    # From 2.14 on PyTorch says so itself.
    said = (
        r"stage 1 of the pipeline asks .* give PipelineStage\(\.\.\.\) input_args=|Stage 1 .* Provide .* PipelineStage"
    )
    with pytest.raises(RuntimeError, match=said):
        trace(build, (), world_size=4, rank=1)


def test_inputs_may_be_made_where_the_group_is() -> None:
    def build() -> nn.Module:
        mesh, model = init_device_mesh("cpu", (4,)), nn.Linear(16, 16)
        for name, parameter in list(model.named_parameters()):
            setattr(model, name, nn.Parameter(distribute_tensor(parameter.detach(), mesh, [Shard(0)])))
        return model

    def inputs() -> DTensor:
        return distribute_tensor(X, init_device_mesh("cpu", (4,)), [Shard(0)])

    graph = trace(build, inputs, world_size=4)
    assert kinds(graph) == {("all_gather", EVERYONE): 1}


def test_memory_is_that_of_one_rank_and_parameters_keep_their_names() -> None:
    graph = trace(fully_sharded, X, world_size=4, backward=True, warmup=1)
    whole = 4 * 2 * (16 * 16 + 16)
    assert graph.memory.parameter_bytes == whole // 4
    assert graph.memory.total("gradients") == whole // 4
    gathered = {one.name for one in graph.storages if one.kind == "parameter" and "_local_tensor" not in str(one.name)}
    assert gathered == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_the_peak_of_a_rank_falls_with_the_number_of_ranks() -> None:
    peaks = [trace(fully_sharded, X, world_size=size, backward=True).memory.peak for size in (2, 4, 16)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] > peaks[-1]


def test_every_rank_of_a_symmetrical_model_does_the_same() -> None:
    graphs = [trace(fully_sharded, X, world_size=4, rank=rank, backward=True) for rank in (0, 1, 3)]
    assert graphs[0].collectives == graphs[1].collectives == graphs[2].collectives
    assert graphs[0].op_counts == graphs[1].op_counts == graphs[2].op_counts
    assert [graph.origin.rank for graph in graphs] == [0, 1, 3]


COLD = """
import sys
from tests.capture.test_world import BUILT, X, sgd, trace, write
build = BUILT[sys.argv[1]][0]
for run in range(2):
    graph = trace(build, X, world_size=4, backward=True, optimizer=sgd)
    print(write(graph.canonical, test="test", recorded="here"))
    print("-----")
"""


@pytest.mark.parametrize("name", ["tensor parallel", "FSDP2"])
def test_a_cold_process_records_what_a_warm_one_does(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", COLD, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cold, warm, _ = done.stdout.split("-----\n")
    assert cold == warm
    assert "collectives" in cold


def test_a_group_that_is_there_is_left_alone() -> None:
    with process_group():
        group = distributed.group.WORLD
        with pytest.raises(GroupInUse, match=r"a real one is: backend 'gloo', 1 ranks\. Leave world_size out"):
            trace(fully_sharded, X, world_size=4)
        assert distributed.group.WORLD is group
    with ranks(2), pytest.raises(GroupInUse, match="backend 'fake', 2 ranks"):
        trace(fully_sharded, X, world_size=4)


def test_the_group_is_gone_also_where_building_or_running_fails() -> None:
    def failing() -> nn.Module:
        raise RuntimeError("no model today")

    hook = sys.excepthook
    with pytest.raises(RuntimeError, match="no model today"):
        trace(failing, X, world_size=4)
    assert not distributed.is_initialized()
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        trace(fully_sharded, torch.ones(8, 3), world_size=4)
    assert not distributed.is_initialized()
    assert kinds(trace(fully_sharded, X, world_size=4)) == {("all_gather", EVERYONE): 2}
    assert sys.excepthook is hook


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"world_size": 0}, ValueError, "expected whole numbers"),
        ({"world_size": "4"}, ValueError, "expected whole numbers"),
        ({"world_size": 4, "rank": 4}, ValueError, "the ranks of world_size=4 are 0 to 3"),
        ({"rank": 1}, ValueError, "of how many"),
    ],
)
def test_a_rank_that_there_is_not_is_refused(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        trace(fully_sharded, X, **options)
    assert not distributed.is_initialized()


def test_what_builds_no_model_is_refused() -> None:
    def takes(x: Tensor) -> Tensor:
        return x

    for model, words in (
        (layers(), "needs a function that builds the sharded model"),
        (takes, r"takes\(\) is none: missing a required argument: 'x'"),
        (lambda: X, "returned Tensor, no model"),
    ):
        with pytest.raises(TypeError, match=words):
            trace(model, X, world_size=4)
    with pytest.raises(TypeError, match="pass optimizer=lambda model"):
        trace(fully_sharded, X, world_size=4, backward=True, optimizer=sgd(layers()))
    assert not distributed.is_initialized()


def test_a_file_says_which_rank_it_is_of(tmp_path: Any) -> None:
    graph = trace(split, X, world_size=4, rank=2)
    path = tmp_path / "a.torchgraph"
    path.write_text(write(graph.canonical, test="test", recorded=recorded_line(graph)), encoding="utf-8")
    origin = load(path).origin
    assert (origin.rank, origin.world_size, origin.libraries) == (2, 4, ())


@pytest.mark.skipif(torch.__version__ < "2.10", reason="no fake kernel of c10d.scatter_ there")
@pytest.mark.parametrize("name", ["FSDP2", "HSDP", "tensor parallel"])
def test_a_sharded_step_on_fake_tensors_is_that_on_real_ones(name: str) -> None:
    build = BUILT[name][0]
    real, fake = (
        trace(build, lambda: torch.ones(8, 16), world_size=4, fake=fake, backward=True, optimizer=sgd, warmup=1)
        for fake in (False, True)
    )
    assert [(one.kind, one.bytes, one.module) for one in fake.collectives] == [
        (one.kind, one.bytes, one.module) for one in real.collectives
    ]
    assert (fake.count("ops"), fake.memory.peak) == (real.count("ops"), real.memory.peak)
    assert fake.memory.parameter_bytes == real.memory.parameter_bytes
    assert not distributed.is_initialized()


def test_what_reads_the_memory_of_fake_tensors_is_refused_in_a_sentence() -> None:
    with pytest.raises(TypeError, match="as the C\\+\\+ reducer of DistributedDataParallel does"):
        trace(replicated, X, world_size=4, fake=True)
    assert not distributed.is_initialized()


def flat(**options: Any) -> Any:
    from torch.distributed.fsdp import FullyShardedDataParallel

    return FullyShardedDataParallel(layers(), device_id=torch.device("cpu"), **options)


@pytest.mark.parametrize("options", [{}, {"use_orig_params": True}], ids=str)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_flat_parameters_are_recorded_forward_and_a_step_of_them_is_refused_where_it_is_repeated(
    options: dict[str, Any],
) -> None:
    forward = trace(lambda: flat(**options), X, world_size=4)
    assert kinds(forward) == {("all_gather", EVERYONE): 1}
    with pytest.raises(FlatParameters, match=r"record a step of your own after a first one, with record\(model\)"):
        trace(lambda: flat(**options), X, world_size=4, backward=True)
    with ranks(4):
        model = flat(**options)
        model(X).sum().backward()
        with record(model) as recording:
            model(X).sum().backward()
    assert kinds(recording.graph)[("reduce_scatter", EVERYONE)] == 1


def test_data_parallel_on_the_cpu_is_the_module_in_it() -> None:
    inner = layers()
    wrapped = trace(nn.DataParallel(inner), X, backward=True)
    assert wrapped.op_counts == trace(inner, X, backward=True).op_counts
    assert {scope.path for scope in wrapped.scopes} >= {"module", "module.0", "module.2"}


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled:UserWarning")
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")
def test_a_distributed_checkpoint_is_written_and_read_as_without_a_recording(tmp_path: Any) -> None:
    checkpoint: Any = import_module("torch.distributed.checkpoint")

    model = layers()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with record(model) as recording:
        model(X)
        checkpoint.save(model.state_dict(), checkpoint_id=tmp_path, no_dist=True)
    trace(fully_sharded, X, world_size=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    checkpoint.load(model.state_dict(), checkpoint_id=tmp_path, no_dist=True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert recording.graph.count("collectives") == 0
