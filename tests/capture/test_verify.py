"""A record is proved by running it again: what is wrong with it is named, what cannot be proved too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture.recording import Recording
from pytest_torchgraph.capture.replay import VerificationFailed, replay
from pytest_torchgraph.capture.witness import Evidence
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Operation, tensors_in
from tests.capture.small import example
from tests.models import MODELS
from tests.real.factories import FACTORIES

HIGHER_ORDER = "what a higher-order operator runs is not recorded"
UNREPLAYED = {
    "flex_attention": (f"not replayed: higher_order.flex_attention: {HIGHER_ORDER}",),
    "packed_sequence": ("not recorded: what filled the memory of aten.empty.memory_format (C++ or NumPy)",),
}
"""What no replay of these models can show; every operation of all others is replayed."""


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def proved(model: Any, args: Any = (), kwargs: Any = None, **options: Any) -> tuple[str, ...]:
    """What a verified trace has to say."""
    graph = trace(model, args, kwargs, verify=True, **options)
    first, *rest = graph.notes
    assert first.startswith("verified: ")
    return tuple(rest)


@pytest.mark.parametrize("name", [*MODELS, *FACTORIES])
def test_a_model_is_proved(name: str) -> None:
    found = {**MODELS, **FACTORIES}[name]()
    # The first jagged tensor of a process does work of its own.
    notes = proved(found.model, found.args, found.kwargs, warmup=1)
    assert notes == UNREPLAYED.get(name, ())


@pytest.mark.parametrize("name", ["resnet", "lstm", "gru", "batchnorm_train", "tied_weights", "moe", "bert", "gpt2"])
def test_a_training_step_is_proved(name: str) -> None:
    found = {**MODELS, **FACTORIES}[name]()
    assert isinstance(found.model, nn.Module)
    optimizer = torch.optim.AdamW(found.model.parameters())
    assert proved(found.model, found.args, found.kwargs, backward=True, optimizer=optimizer) == ()


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Dropout(0.5), nn.BatchNorm1d(8))


X = example(4, 8)


@pytest.mark.parametrize("reentrant", [True, False])
def test_recomputed_operations_are_proved(reentrant: bool) -> None:
    model = small()
    inputs = X.clone().requires_grad_()
    assert proved(lambda x: checkpoint(model, x, use_reentrant=reentrant), inputs, backward=True) == ()


def test_two_steps_of_a_loop_with_scaling_and_clipping_are_proved() -> None:
    model = small()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu")
    with record(model, verify=True) as recording:
        for _ in range(2):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(X).float().pow(2).sum()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
    assert len(recording.graph.notes) == 1


def test_draws_from_generators_are_proved() -> None:
    generator = torch.Generator().manual_seed(3)

    def noisy(x: Tensor) -> Tensor:
        return x * torch.rand(4, 8, generator=generator) + torch.randn(4, 8) + nn.functional.dropout(x)

    before = torch.get_rng_state()
    assert proved(noisy, X) == ()
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_verified_is_recorded_like_anything_else() -> None:
    for name in ("lstm", "dropout", "sparse", "inplace_view", "quantized", "block"):
        found = MODELS[name]()
        plain, verified = (trace(found.model, found.args, found.kwargs, verify=flag) for flag in (False, True))
        assert verified.operations == plain.operations
        assert verified.memory == plain.memory
        assert verified == plain


# What cannot be proved is named.


def test_tensors_without_contents_are_named() -> None:
    with torch.device("meta"):
        notes = proved(nn.Linear(8, 8), torch.empty(4, 8, device="meta"))
    assert "not replayed: aten.addmm.default: its tensors have no contents" in notes


def test_parameters_that_are_not_made_yet_are_named() -> None:
    detaching = "not replayed: aten.detach.default: its tensors have no contents"
    assert proved(nn.LazyLinear(4), X) == (f"{detaching} ×4",)


def test_operations_of_sparse_tensors_are_proved() -> None:
    assert proved(lambda x: torch.sparse.softmax(x.to_sparse(), 1).to_dense(), X) == ()


def test_a_storage_given_by_itself_is_named() -> None:
    def reread(x: Tensor) -> Tensor:
        return torch.empty(0).set_(x.untyped_storage(), 0, (8, 4), (4, 1)) + 1

    assert proved(reread, X) == ("not replayed: aten.set_.source_Storage_storage_offset: it takes a storage by itself",)


def test_collectives_are_named(tmp_path: Any) -> None:
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)

    def reduced(x: Tensor) -> Tensor:
        x = x * 2
        dist.all_reduce(x)
        return x + 1

    try:
        assert proved(reduced, X) == ("not replayed: c10d.allreduce_.default: a collective needs the other ranks",)
    finally:
        dist.destroy_process_group()


# What is wrong is found.


def kept(model: Any, run: Callable[[], Any]) -> tuple[Graph, Evidence]:
    with record(model, verify=True) as recording:
        run()
    assert recording.evidence is not None
    return recording.graph, recording.evidence


def changed(graph: Graph, change: Callable[[Operation], Operation | None]) -> Graph:
    operations = (change(operation) for operation in graph.operations)
    return replace(graph, operations=tuple(operation for operation in operations if operation is not None))


@pytest.fixture
def chain() -> tuple[Graph, Evidence]:
    """Two operands of a subtraction, one of them written before."""
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))

    def run() -> Tensor:
        y = model(X).relu_()
        return y.mul_(3.0) - X

    graph, evidence = kept(model, run)
    assert replay(graph, evidence) == graph.notes
    return graph, evidence


def dropped(name: str) -> Callable[[Operation], Operation | None]:
    return lambda operation: None if operation.packet == name else operation


def test_an_operation_that_is_missing_is_noticed_by_its_first_reader(chain: tuple[Graph, Evidence]) -> None:
    graph, evidence = chain
    with pytest.raises(VerificationFailed, match=r"(?s)aten\.relu_\.default, operation \d+ .*test_verify\.py:\d+.*f32"):
        replay(changed(graph, dropped("aten.native_batch_norm")), evidence)
    with pytest.raises(VerificationFailed, match=r"(?s)aten\.sub\.Tensor.*operand 0 \(f32\[4,8\]\) has other bits"):
        replay(changed(graph, dropped("aten.mul_")), evidence)


def test_a_missing_write_that_nobody_reads_is_noticed_at_the_end() -> None:
    model = nn.BatchNorm1d(8)
    graph, evidence = kept(model, lambda: model(X))
    with pytest.raises(VerificationFailed, match="buffer num_batches_tracked ends with other bits than in the run"):
        replay(changed(graph, dropped("aten.add_")), evidence)


def test_an_output_that_nothing_makes_is_noticed() -> None:
    results: list[Tensor] = []
    graph, evidence = kept(None, lambda: results.append(X.sin()))
    with pytest.raises(VerificationFailed, match=r"result f32\[4,8\] is made by no operation of the record"):
        replay(changed(graph, dropped("aten.sin")), evidence)


def test_a_wrong_operand_is_noticed(chain: tuple[Graph, Evidence]) -> None:
    def swapped(operation: Operation) -> Operation:
        if operation.name != "aten.sub.Tensor":
            return operation
        return replace(operation, arguments=operation.arguments[::-1])

    with pytest.raises(VerificationFailed, match=r"(?s)aten\.sub\.Tensor.*operand 0 \(f32\[4,8\]\) has other bits"):
        replay(changed(chain[0], swapped), chain[1])


def test_a_wrong_number_and_a_wrong_operation_are_noticed(chain: tuple[Graph, Evidence]) -> None:
    def doubled(operation: Operation) -> Operation:
        wrong = (operation.arguments[0], 2.0)
        return replace(operation, arguments=wrong) if operation.packet == "aten.mul_" else operation

    def added(operation: Operation) -> Operation:
        return replace(operation, name="aten.add.Tensor") if operation.packet == "aten.sub" else operation

    with pytest.raises(VerificationFailed, match=r"(?s)aten\.mul_\.Tensor.*has other bits"):
        replay(changed(chain[0], doubled), chain[1])
    with pytest.raises(VerificationFailed, match=r"(?s)aten\.add\.Tensor.*result 0 \(f32\[4,8\]\) has other bits"):
        replay(changed(chain[0], added), chain[1])


def test_a_result_that_lies_elsewhere_is_noticed(chain: tuple[Graph, Evidence]) -> None:
    def cloned(operation: Operation) -> Operation:
        return replace(operation, name="aten.t_copy.default") if operation.packet == "aten.t" else operation

    with pytest.raises(VerificationFailed, match=r"aten\.t_copy\.default.*(?s:.*)lies in memory of its own"):
        replay(changed(chain[0], cloned), chain[1])


def test_a_wrong_random_state_is_noticed() -> None:
    graph, evidence = kept(None, lambda: nn.functional.dropout(X))
    torch.manual_seed(1)
    other = torch.get_rng_state()
    for seen in evidence.operations.values():
        seen.random = None if seen.random is None else other
    with pytest.raises(VerificationFailed, match="has other bits"):
        replay(graph, evidence)


def test_memory_that_is_written_behind_the_record_is_noticed() -> None:
    def write(x: Tensor) -> Tensor:
        y = x + 1
        y.numpy()[0, 0] = 7
        return y * 2

    with pytest.raises(VerificationFailed, match=r"(?s)aten\.mul\.Tensor.*what wrote it is no operation of the record"):
        trace(write, X, verify=True)


def test_memory_that_numpy_made_is_a_constant() -> None:
    def added(x: Tensor) -> Tensor:
        return x + torch.from_numpy(np.ones((4, 8), dtype="f4"))

    assert proved(added, X) == ()


@contextmanager
def lying() -> Iterator[Any]:
    """An operation that writes its second argument and does not say so."""
    library = torch.library.Library("torchgraph_tests_lies", "FRAGMENT")
    library.define("scaled(Tensor x, Tensor count) -> Tensor")

    def scaled(x: Tensor, count: Tensor) -> Tensor:
        count += 1
        return x * 2

    library.impl("scaled", scaled, "CPU")
    try:
        yield torch.ops.torchgraph_tests_lies.scaled
    finally:
        library._destroy()


def test_a_write_that_a_schema_does_not_declare_is_noticed() -> None:
    count = torch.zeros(2)
    with (
        lying() as scaled,
        torch.no_grad(),
        pytest.raises(
            VerificationFailed,
            match=r"(?s)torchgraph_tests_lies\.scaled\.default.*test_verify\.py:\d+.*"
            r"it changed operand 1 \(f32\[2\]\), which its schema calls unwritten",
        ),
    ):
        trace(lambda x: scaled(x, count), X, verify=True)


def test_what_a_failed_proof_leaves_is_as_before() -> None:
    model = nn.BatchNorm1d(8)

    def write(x: Tensor) -> Tensor:
        y = model(x).detach()
        y.numpy()[0, 0] = 7
        return y * 2

    with pytest.raises(VerificationFailed):
        trace(write, X, verify=True)
    assert model.num_batches_tracked == 0
    assert trace(model, X).notes == ()


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    with record() as recording:
        X.sin()
    assert isinstance(recording, Recording)
    assert recording.evidence is None
    assert recording.graph.notes == ()
    assert tensors_in(recording.graph.operations[0].arguments)
