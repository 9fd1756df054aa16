"""Models that are sharded in one way and in another, built where there is a process group."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed import _functional_collectives as functional
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Replicate
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph

WIDTH = 256
X = torch.ones(2, 4, WIDTH)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH, bias=False), nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.up(x).relu())


class Model(nn.Module):
    def __init__(self, *, normed: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(3))
        self.norm = nn.RMSNorm(WIDTH) if normed else nn.Identity()
        self.head = nn.Linear(WIDTH, 2 * WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))


def everyone() -> DeviceMesh:
    return init_device_mesh("cpu", (distributed.get_world_size(),))


def gathered(
    *,
    mesh: DeviceMesh | None = None,
    head: bool = True,
    normed: bool = False,
    summed: bool = False,
    again: bool = True,
) -> nn.Module:
    """FSDP2 around each layer, and the head with the model; or without the head, and the norm where there is one."""
    model = Model(normed=normed)
    mesh = mesh or everyone()
    parts = [*model.layers, *([model.norm, model.head] if normed and head else [model.head] if head else [])]
    for part in parts:
        wrapped: Any = fully_shard(part, mesh=mesh, reshard_after_forward=again)
        if summed:
            wrapped.set_gradient_divide_factor(1.0)
            wrapped.set_force_sum_reduction_for_comms(enable=True)
    return model


def in_halves() -> nn.Module:
    """The same over half of the ranks, and replicated over the two halves."""
    half = distributed.get_world_size() // 2
    return gathered(mesh=init_device_mesh("cpu", (2, half), mesh_dim_names=("replicate", "shard")))


def split(*, head: bool = True, extra: bool = False) -> nn.Module:
    """Tensor parallelism; *extra* redistributes between the two halves of the second layer."""
    model, plan = Model(), dict[str, Any]()
    for place in range(3):
        is_extra = extra and place == 1
        plan[f"layers.{place}.up"] = ColwiseParallel(output_layouts=Replicate()) if is_extra else ColwiseParallel()
        plan[f"layers.{place}.down"] = RowwiseParallel(input_layouts=Replicate()) if is_extra else RowwiseParallel()
    if head:
        plan["head"] = ColwiseParallel(output_layouts=Replicate())
    return parallelize_module(model, everyone(), plan)


class Gathering(nn.Module):
    """Gathers its weight and reads it in what is checkpointed, where it may also be gathered."""

    def __init__(self, *, inside: bool) -> None:
        super().__init__()
        self.inside = inside
        self.shard = nn.Parameter(torch.randn(max(WIDTH // distributed.get_world_size(), 1), WIDTH))
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)

    def whole(self) -> Tensor:
        world: Any = distributed.group.WORLD
        return functional.all_gather_tensor_autograd(self.shard, 0, world)[:WIDTH]

    def forward(self, x: Tensor) -> Tensor:
        weight = None if self.inside else self.whole()

        def run(y: Tensor) -> Tensor:
            return self.out((y @ (self.whole() if weight is None else weight)).relu())

        made: Tensor = checkpoint(run, x, use_reentrant=False)
        return made


def gathering(*, inside: bool) -> nn.Module:
    return nn.Sequential(*(Gathering(inside=inside) for _ in range(3)))


def step(build: Any, world_size: int = 4) -> Graph:
    """The second step of one rank."""
    return trace(build, X, world_size=world_size, backward=True, warmup=1)
