"""Several real ranks: what they do together is compared before it is sent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture.agreement import RanksDiverge, call_text
from pytest_torchgraph.capture.tensor import Raw, View
from tests.capture.peers import of_each_rank

EVERYONE: Any = distributed
PATIENCE = 10.0


class Summing(nn.Module):
    """Sums once as all do, then does *then*."""

    def __init__(self, then: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.then = then

    def forward(self, x: Tensor) -> Tensor:
        made = x + 1
        EVERYONE.all_reduce(made)
        self.then(made)
        return made * 2


def attempt(then: Callable[[Tensor], None], patience: float = PATIENCE) -> tuple[str, float]:
    """How a recording ended, and after how many seconds."""
    begun = time.monotonic()
    try:
        trace(nn.Sequential(nn.Linear(4, 4), Summing(then)), torch.ones(2, 4), rank_timeout=patience)
    except RanksDiverge as error:
        return str(error), time.monotonic() - begun
    return "", time.monotonic() - begun


def nothing(made: Tensor) -> None:
    pass


def total(made: Tensor) -> None:
    EVERYONE.all_reduce(made)


def largest(made: Tensor) -> None:
    EVERYONE.all_reduce(made, EVERYONE.ReduceOp.MAX)


def total_of_part(made: Tensor) -> None:
    EVERYONE.all_reduce(made[0])


def all_divergences(rank: int) -> list[tuple[str, float]]:
    """One after the other: another reduction, another size, one more, another order; then none."""
    pairs = [(total, largest), (total, total_of_part), (total, nothing), (nothing, total), (total, total)]
    return [attempt(pair[rank]) for pair in pairs]


@pytest.fixture(scope="module")
def divergences(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, float]]]:
    return of_each_rank(all_divergences, tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize(
    ("place", "calls"),
    [
        (0, ("all_reduce(float32[2,4], sum)", "all_reduce(float32[2,4], max)")),
        (1, ("all_reduce(float32[2,4], sum)", "all_reduce(float32[4], sum)")),
        (2, ("all_reduce(float32[2,4], sum)", "nothing more")),
        (3, ("nothing more", "all_reduce(float32[2,4], sum)")),
    ],
    ids=["another reduction", "another size", "one more on the first", "one more on the second"],
)
def test_a_divergence_is_named_on_both_ranks_before_anything_is_sent(
    divergences: list[list[tuple[str, float]]], place: int, calls: tuple[str, str]
) -> None:
    for told in divergences:
        message, seconds = told[place]
        first, *ranks, last = message.splitlines()
        assert first == "ranks do different things together in group(0, 1), after 1 collective on which they agreed:"
        for rank, line in enumerate(ranks):
            assert re.fullmatch(rf"  rank {rank}: {re.escape(calls[rank])}(?: \(.*\))?", line)
        assert any("1, test_agreement.py:" in line for line in ranks)
        assert last.startswith("Nothing of it was sent.")
        assert seconds < PATIENCE


def test_ranks_that_do_the_same_are_left_alone(divergences: list[list[tuple[str, float]]]) -> None:
    assert [told[4][0] for told in divergences] == ["", ""]


def with_one_that_comes_to_nothing(rank: int) -> list[object]:
    """Rank 1 waits elsewhere while rank 0 sums; then rank 0 records alone; then rank 1 fails."""
    told: list[object] = []
    told.append(attempt(total if rank == 0 else lambda _: time.sleep(6), 2))
    time.sleep(6 if rank == 0 else 0)
    if rank == 0:
        with record(rank_timeout=1) as recording:
            torch.ones(2) + 1
        told.append(recording.graph.notes)
    else:
        time.sleep(3)
        told.append(None)
    told.append(failing(rank))
    return told


def failing(rank: int) -> str:
    def fail(made: Tensor) -> None:
        raise ArithmeticError

    if rank == 1:
        # Rank 0 made one more recording.
        from pytest_torchgraph.capture import agreement

        next(agreement._number)
    try:
        return attempt(total if rank == 0 else fail)[0]
    except ArithmeticError:
        return "failed"


@pytest.mark.long
def test_a_rank_that_comes_to_nothing_stays_away_or_fails_is_told(tmp_path: Path) -> None:
    first, second = of_each_rank(with_one_that_comes_to_nothing, tmp_path)
    last = "all_reduce(float32[2,4], sum) in group(0, 1) at 1, test_agreement.py:"
    assert f"  rank 1: nothing within 2 s (the last it came to: {last}" in first[0][0]
    assert "  rank 0: all_reduce(float32[2,4], sum) (1, test_agreement.py:" in second[0][0]
    assert first[1] == ["collectives are not compared: not every rank records (waited 1 s for them)"]
    assert "  rank 1: raised ArithmeticError" in first[2]
    assert second[2] == "failed"


def sharded_steps(rank: int) -> list[object]:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    torch.manual_seed(0)
    layers: Any = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    replicated = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)))
    for layer in (layers[0], layers[2], layers):
        fully_shard(layer, mesh=init_device_mesh("cpu", (2,)))
    graphs = [trace(model, torch.ones(4, 8), backward=True, warmup=2) for model in (replicated, layers)]
    return [[(one.kind, one.reduction, one.bytes) for one in graph.collectives] for graph in graphs]


@pytest.mark.long
def test_real_ranks_of_ddp_and_fsdp_agree_on_every_collective(tmp_path: Path) -> None:
    first, second = of_each_rank(sharded_steps, tmp_path)
    assert first == second
    assert [[one[0] for one in graph] for graph in first] == [
        ["all_reduce"],
        ["all_gather"] * 4 + ["reduce_scatter"] * 2,
    ]


def test_a_collective_says_what_all_its_ranks_have_to_say_alike() -> None:
    small, large = (Raw((0, 0, View((size,), (1,), 0, torch.float32, "cpu", None))) for size in (2, 8))
    lists = {"output_tensors": ((small, large),), "input_tensors": (small,)}
    assert call_text("all_gather", "c10d.allgather_.default", lists) == "all_gather(float32[2], float32[8])"
    assert call_text("all_to_all", "c10d.alltoall_base_.default", {"a": small, "b": large}) == "all_to_all(float32)"
    assert call_text("broadcast", "c10d.broadcast_.default", {"a": (small,), "root_rank": 1}) == (
        "broadcast(float32[2], root 1)"
    )
    assert call_text("barrier", "c10d.barrier.default", {"tensor": small}) == "barrier()"
