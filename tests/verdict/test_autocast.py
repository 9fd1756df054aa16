"""Work under autocast is told as such, in both directions, and a cast or two as casts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import tensors_in
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Finding


class Net(nn.Module):
    """Two layers, of which the first may be autocast, or only its input cast down and up again."""

    def __init__(self, *, autocast: bool = False, cast: bool = False, last: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)) for _ in range(2))
        self.norm = nn.LayerNorm(8)
        self.autocast, self.cast, self.last = autocast, cast, last

    def forward(self, x: Tensor) -> Tensor:
        if self.cast:
            x = x.bfloat16().float()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            for layer in self.layers:
                x = x + layer(x)
        out: Tensor = self.norm(x[:, -1:] if self.last else x)
        return out


def told(before: Graph, after: Graph) -> tuple[Finding, ...]:
    return judge(compare(before.canonical, after.canonical), same_backend=True).findings


def run(model: nn.Module) -> Graph:
    return trace(model, torch.ones(2, 4, 8), backward=torch.mean)


def test_autocast_is_told_by_the_work_and_by_the_casts_around_it() -> None:
    plain, autocast = run(Net()), run(Net(autocast=True))
    there, back = told(plain, autocast)[0], told(autocast, plain)[0]
    casts = [operation for operation in autocast.operations if operation.name == "aten._to_copy.default"]
    up = sum(made.spec.dtype == "float32" for operation in casts for made in tensors_in(operation.results))
    around = f"{len(casts) - up} downcasts and {up} upcasts around them"
    assert there.title.endswith(f" done in bf16 instead of f32: {around}")
    assert back.title.endswith(f" done in f32 instead of bf16: {around} no longer")
    assert (there.cause, back.cause) == ("downcast", "upcast")
    assert "torch.autocast" in there.hint


def test_a_cast_there_and_back_is_told_as_casts() -> None:
    there = told(run(Net()), run(Net(cast=True)))[0]
    assert there.title.startswith("+2 aten._to_copy (0 -> 2)")


def test_what_is_sliced_in_the_forward_pass_is_told_before_its_backward() -> None:
    every, last = run(Net()), run(Net(last=True))
    assert told(every, last)[0].title.startswith("only a part of %add_1 is read in norm: %add_1[:,3:4]")
    assert told(last, every)[0].title.startswith("all of %add_1 is read in norm, was %add_1[:,3:4]")
