"""Syncs are told by where a value comes from: what lies on the host anyway is read without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer
from torch.utils.data import DataLoader, TensorDataset

from pytest_torchgraph import compare, record, trace
from pytest_torchgraph.capture.hosting import KEPT, keeps_on_host, kept_on_host
from pytest_torchgraph.capture.schema import learn
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.recorded.kinds import MASKABLE, SYNCS, names_sync
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import Calls, example

IMPLICIT = "CompositeImplicitAutograd"
READ = "aten._local_scalar_dense"
X = example(4, 8)


def from_file(graph: Graph) -> Graph:
    """What a snapshot of *graph* holds."""
    return expanded(read(write(graph.canonical, test="t", recorded="r")).program)


def syncs_of(graph: Graph) -> list[str]:
    """The syncs of *graph*, which its file tells too."""
    live = [operation.name for operation in graph.syncs]
    assert [operation.name for operation in from_file(graph).syncs] == live
    return live


def step_of(make: Callable[..., Optimizer], **options: Any) -> Graph:
    model = nn.Linear(8, 8)
    return trace(model, X, backward=True, optimizer=make(model.parameters(), **options))


# Optimizers.

KEEPING = (
    *(torch.optim.AdamW, torch.optim.Adam, torch.optim.NAdam, torch.optim.RAdam, torch.optim.Adamax),
    *(torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.RMSprop, torch.optim.SGD),
)


@pytest.mark.parametrize("make", KEEPING)
@pytest.mark.parametrize("foreach", [False, True])
def test_an_optimizer_that_counts_its_steps_on_the_host_has_no_syncs(
    make: Callable[..., Optimizer],
    foreach: bool,
) -> None:
    graph = step_of(make, foreach=foreach)
    assert syncs_of(graph) == []
    assert graph.count(READ) or make in (torch.optim.Adadelta, torch.optim.RMSprop, torch.optim.SGD)


@pytest.mark.parametrize("warmup", [0, 1])
def test_the_state_of_an_optimizer_is_known_whenever_it_was_made(warmup: int) -> None:
    model = nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters())
    model(X).sum().backward()
    optimizer.step()
    graph = trace(model, X, backward=True, optimizer=optimizer, warmup=warmup)
    assert graph.count(READ) == 2
    assert syncs_of(graph) == []


def test_what_an_optimizer_computes_of_parameters_is_waited_for() -> None:
    adafactor = step_of(torch.optim.Adafactor, foreach=False)
    # Of each parameter its norm and that of its update; its step lies on the host.
    assert (len(syncs_of(adafactor)), adafactor.count(READ)) == (4, 6)
    asgd = step_of(torch.optim.ASGD, foreach=False)
    assert len(syncs_of(asgd)) == asgd.count(READ) == 6


def test_lbfgs_waits_for_its_loss_and_its_gradients() -> None:
    graph = step_of(torch.optim.LBFGS, max_iter=2)
    assert len(syncs_of(graph)) == graph.count(READ) > 2


def test_a_learning_rate_that_is_a_tensor_lies_where_its_user_put_it() -> None:
    graph = step_of(torch.optim.AdamW, lr=torch.tensor(1e-3), foreach=False)
    # Here that may be beside the parameters; the steps of both of them are read on the host.
    assert len(syncs_of(graph)) == graph.count(READ) - 2 > 0


def test_a_learning_rate_on_the_host_of_parameters_elsewhere_is_read_there() -> None:
    parameter = nn.Parameter(torch.empty(2, device="meta"))
    rate = torch.tensor(0.1)
    optimizer = torch.optim.SGD([parameter], lr=rate)
    assert [(tensor is rate, known) for tensor, known in kept_on_host(optimizer)] == [(True, True)]


class Own(Optimizer):
    """An optimizer of another library, with one number for each parameter."""

    def __init__(self, parameters: Any, made: Callable[[Tensor], Tensor], key: str = "count") -> None:
        super().__init__(parameters, {"lr": 0.1})
        self.made, self.key = made, key

    def step(self, closure: Any = None) -> Any:
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    state = self.state[parameter]
                    if self.key not in state:
                        state[self.key] = self.made(parameter)
                    parameter.add_(parameter.grad, alpha=-group["lr"] / (1 + state[self.key].item()))


@pytest.mark.parametrize(
    ("made", "syncs"),
    [
        (lambda parameter: torch.tensor(0.0), 0),
        (lambda parameter: torch.zeros(()).add_(1), 0),
        (lambda parameter: parameter.norm(), 2),
        (lambda parameter: torch.zeros(()).add_(parameter.grad.norm()), 2),
        (lambda parameter: torch.zeros_like(parameter.sum()), 2),
        (lambda parameter: torch.zeros(1), 2),
    ],
)
def test_state_of_another_optimizer_is_told_by_how_it_was_made(made: Callable[[Tensor], Tensor], syncs: int) -> None:
    model = nn.Linear(8, 8)
    graph = trace(model, X, backward=True, optimizer=Own(model.parameters(), made))
    assert graph.count(READ) == 2
    assert len(syncs_of(graph)) == syncs


@pytest.mark.parametrize(("key", "syncs"), [("step", 0), ("count", 2)])
def test_state_that_was_there_before_is_told_by_its_name(key: str, syncs: int) -> None:
    model = nn.Linear(8, 8)
    optimizer = Own(model.parameters(), lambda parameter: torch.tensor(1.0), key)
    model(X).sum().backward()
    optimizer.step()
    with record(model) as recording:
        model(X).sum().backward()
        optimizer.step()
    assert len(syncs_of(recording.graph)) == syncs


OPTIMIZERS = [
    kind
    for kind in vars(torch.optim).values()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
]
OPTIONS: list[dict[str, Any]] = [{}, {"foreach": False}, {"capturable": True}, {"fused": True}]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_what_is_known_of_optimizers_is_what_they_do_for_parameters_elsewhere(kind: type[Optimizer]) -> None:
    here, seen = nn.Parameter(torch.zeros(2, 2)), 0
    for options in OPTIONS:
        for key, value, group in numbers_kept_for_meta(kind, options):
            told = key in KEPT and keeps_on_host(group[0], group[1], here, torch.zeros(()))
            assert told == (value.device.type == "cpu"), (options, key)
            seen += 1
    assert seen or kind in (torch.optim.SGD, torch.optim.LBFGS, torch.optim.Muon, torch.optim.SparseAdam)


def numbers_kept_for_meta(
    kind: type[Optimizer], options: dict[str, Any]
) -> Iterator[tuple[str, Tensor, tuple[Optimizer, dict[str, Any]]]]:
    """The zero-dimensional state that *kind* makes for a parameter on the meta device, with its optimizer and group."""
    parameter = nn.Parameter(torch.empty(2, 2, device="meta"))
    parameter.grad = torch.empty(2, 2, device="meta")
    try:
        optimizer: Any = kind([parameter], **options)
    except (TypeError, RuntimeError):
        return  # it has no such option, or not for such parameters
    with suppress(TypeError, RuntimeError, AssertionError):
        optimizer.step()  # what it computes of values fails, after its state is made
    for key, value in optimizer.state[parameter].items():
        if isinstance(value, Tensor) and not value.dim():
            yield key, value, (optimizer, optimizer.param_groups[0])


# A training loop.


def test_the_seed_of_a_loader_is_read_on_the_host_and_a_loss_is_waited_for() -> None:
    model = nn.Linear(8, 8)
    loader = DataLoader(TensorDataset(X), batch_size=2, shuffle=True)
    with record(model) as recording:
        for (batch,) in loader:
            loss = model(batch).sum()
            loss.backward()
            assert loss.item()
    graph = recording.graph
    assert graph.count(READ) > 2
    assert len(syncs_of(graph)) == 2


def test_clipping_and_scaling_wait_for_gradients() -> None:
    model = nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters())
    scaler = torch.amp.GradScaler("cpu")
    with record(model) as recording:
        scaler.scale(model(X).sum()).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)
        scaler.step(optimizer)
        scaler.update()
    phases = [operation.phase for operation in recording.graph.syncs]
    assert phases == ["between", "between"]
    assert len(syncs_of(recording.graph)) == 2


@pytest.mark.parametrize(
    ("value", "syncs"),
    [
        (lambda model, batch: torch.randperm(4)[0], 0),
        (lambda model, batch: torch.tensor(3), 0),
        (lambda model, batch: torch.full((), 2.0).mul_(3), 0),
        (lambda model, batch: model.weight.sum(), 1),
        (lambda model, batch: model(batch).sum(), 1),
        (lambda model, batch: batch.sum(), 1),
        (lambda model, batch: torch.zeros(()).copy_(model.weight.sum()), 1),
    ],
)
def test_outside_of_modules_a_value_is_waited_for_that_derives_from_what_the_model_has(
    value: Callable[[nn.Module, Tensor], Tensor], syncs: int
) -> None:
    model = nn.Linear(8, 8)
    with record(model) as recording:
        batch = torch.randn(4, 8)
        model(batch)
        value(model, batch).item()
    assert len(syncs_of(recording.graph)) == syncs


# A model.

WAITING: list[Callable[[Any, Tensor], Any]] = [
    lambda module, x: x * module.mix(x).sum().item(),
    lambda module, x: x * torch.tensor(3.0).item(),
    lambda module, x: x if torch.ones(2).sum() > 0 else -x,
    lambda module, x: x[x > 0],
    lambda module, x: x.index_put((x > 0,), x.sum()),
    lambda module, x: x.nonzero(),
    lambda module, x: x.masked_select(x > 0),
    lambda module, x: torch.bincount(x.abs().long().flatten()),
    lambda module, x: torch.allclose(x, x),
    lambda module, x: x[0].repeat_interleave(torch.arange(8)),
    lambda module, x: torch.linalg.inv(x[:, :4] + 9 * torch.eye(4)),
    lambda module, x: x.to_sparse(),
]


@pytest.mark.parametrize("forward", WAITING)
def test_what_a_model_reads_is_waited_for_wherever_it_runs(forward: Callable[[Any, Tensor], Any]) -> None:
    graph = trace(Calls(forward, mix=nn.Linear(8, 8)), X)
    assert len(syncs_of(graph)) == 1


@pytest.mark.parametrize(
    "forward",
    [
        lambda module, x: x[torch.tensor([0, 2])],
        lambda module, x: torch.where(x > 0, x, 0),
        lambda module, x: x[0].repeat_interleave(torch.arange(8), output_size=28),
        lambda module, x: torch.nonzero_static(x, size=3),
        lambda module, x: x.masked_fill(x > 0, 0.0),
    ],
)
def test_what_stays_on_the_device_is_no_sync(forward: Callable[[Any, Tensor], Any]) -> None:
    assert syncs_of(trace(Calls(forward), X)) == []


def test_the_file_marks_what_a_name_cannot_tell() -> None:
    text = write(trace(Calls(lambda module, x: x[x > 0]), X).canonical, test="t", recorded="r")
    (line,) = (line for line in text.splitlines() if "index(" in line)
    assert line.endswith(" sync")
    text = write(step_of(torch.optim.AdamW).canonical, test="t", recorded="r")
    (line,) = (line for line in text.splitlines() if "_local_scalar_dense(" in line)
    assert line.strip() == "_local_scalar_dense(step) no sync"
    assert "\nsyncs 0\n" in text


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the list is checked against PyTorch 2.13")
def test_every_operation_that_pytorch_says_depends_on_data_is_a_sync_by_its_name() -> None:
    tagged = {packet_of(overload.name) for overload in map(learn, dispatched()) if overload.is_data_dependent}
    assert tagged <= SYNCS | MASKABLE
    assert set() == SYNCS & MASKABLE
    assert {packet_of(learn(target).name) for target in dispatched()} >= SYNCS - {"aten.is_nonzero"}
    assert not names_sync("aten.index.Tensor")


def dispatched() -> Iterator[Any]:
    """Every overload of ATen that reaches the dispatcher as it is."""
    for full in torch._C._dispatch_get_all_op_names():
        name, _, overload = full.removeprefix("aten::").partition(".")
        if full.startswith("aten::") and not torch._C._dispatch_has_kernel_for_dispatch_key(full, IMPLICIT):
            yield getattr(getattr(torch.ops.aten, name), overload or "default")


def masked(module: Any, x: Tensor) -> Tensor:
    return module.mix(x)[x > 0].sum()  # here


def test_a_mask_that_came_is_told_with_its_operation_and_its_line() -> None:
    graphs = [trace(Calls(run, mix=nn.Linear(8, 8)), X) for run in (lambda module, x: module.mix(x).sum(), masked)]
    place = f"{Path(__file__).name}:{masked.__code__.co_firstlineno + 1}"
    for before, after in (graphs, [from_file(graphs[0]), graphs[1]]):
        told = str(compare(before, after))
        assert "+1 device-to-host sync, aten.index (0 -> 1)" in told
        assert place in told
        assert "a mask as an index" in told
    again = str(compare(graphs[1], graphs[0]))
    assert "the host waits" not in again
    assert "-1 device-to-host sync, aten.index (1 -> 0)" in again


class Picking(nn.Module):
    rows: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)

    def forward(self, x: Tensor) -> Any:
        return x[self.rows] * 2


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8])
@pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8")
def test_the_same_operation_that_is_a_sync_now_is_told_so(dtype: torch.dtype) -> None:
    numbers = trace(Picking(torch.tensor([0, 2])), X)
    mask = trace(Picking(torch.tensor([1, 0, 1, 0]).to(dtype)), X)
    assert "aten.index: the host waits for it (1 operation)" in str(compare(numbers, mask))
    assert "aten.index: the host waits for it no longer (1 operation)" in str(compare(mask, numbers))
