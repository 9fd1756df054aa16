"""One rank of many under fake tensors: the same graph as with weights, and giants besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from pytest_torchgraph import Graph, trace

pytestmark = pytest.mark.skipif(torch.__version__ < "2.10", reason="no fake kernel of c10d.scatter_ there")


class Pair(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        # In a real run, what nobody has waited for yet would be returned in a wrapper.
        return self.down(torch.relu(self.up(x))).sin()


def split(width: int) -> nn.Module:
    """Tensor parallel."""
    plan = {"up": ColwiseParallel(), "down": RowwiseParallel()}
    return parallelize_module(Pair(width), init_device_mesh("cpu", (8,)), plan)


def shard(width: int) -> nn.Module:
    """Every layer sharded."""
    mesh = init_device_mesh("cpu", (8,))
    model = nn.Sequential(Pair(width), Pair(width)).to(torch.bfloat16).float()
    for layer in model:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def adamw(model: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters())


def step(build: Callable[[int], nn.Module], width: int, *, fake: bool, rank: int = 0) -> Graph:
    options: dict[str, Any] = {"backward": True, "optimizer": adamw, "world_size": 8, "rank": rank}
    return trace(lambda: build(width), lambda: torch.zeros(8, width), fake=fake, **options)


@pytest.mark.parametrize("rank", [0, 7])
@pytest.mark.parametrize("build", [split, shard])
def test_a_rank_is_recorded_as_with_weights(build: Callable[[int], nn.Module], rank: int) -> None:
    real, fake = (step(build, 24, fake=fake, rank=rank) for fake in (False, True))
    assert (fake.origin.fake, fake.origin.rank, fake.origin.world_size) == (True, rank, 8)
    fake = replace(fake, origin=replace(fake.origin, fake=False))
    assert fake == real
    assert (fake.memory.peak, fake.flops) == (real.memory.peak, real.flops)


def test_the_peak_of_each_rank_of_a_giant_is_an_eighth_of_its_weights_and_more() -> None:
    peaks = [step(split, 2**17, fake=True, rank=rank).memory for rank in (0, 7)]
    whole = 4 * (2 * 4 * 2**34 + 5 * 2**17)
    for memory in peaks:
        assert memory.parameter_bytes == pytest.approx(whole / 8, rel=0.001)
        assert memory.peak == pytest.approx(4 * whole / 8, rel=0.3)
