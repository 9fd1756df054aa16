"""Operations of other libraries that write to what they are given and do not say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import example

X = example(4)


def filled(a: Tensor, buffer: Tensor) -> Tensor:
    buffer[:4].copy_(a)
    return buffer


@pytest.fixture(autouse=True)
def library() -> Iterator[None]:
    """Each test gets operations that no run has seen before."""
    made = torch.library.Library("undeclared", "DEF")
    made.define("fill(Tensor a, Tensor buffer) -> Tensor")
    made.impl("fill", filled, "CompositeExplicitAutograd")
    made.define("fill_list(Tensor a, Tensor[] buffers) -> Tensor[]")
    made.impl("fill_list", lambda a, buffers: [filled(a, one) for one in buffers], "CompositeExplicitAutograd")
    made.define("double(Tensor a) -> Tensor")
    made.impl("double", lambda a: a * 2, "CompositeExplicitAutograd")
    yield
    made._destroy()


class Filling(nn.Module):
    memory: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("memory", torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = torch.ops.undeclared.fill(torch.ops.undeclared.double(x), self.memory)
        return made * 2


def test_it_is_work_with_a_line_of_its_own() -> None:
    graph = trace(Filling(), X)
    assert graph.count("ops") == 3
    text = write(graph.canonical, test="test", recorded="here")
    assert "undeclared.fill.default(%double, memory:f32[16])" in text
    assert read(text).program == graph.canonical


def test_what_it_wrote_is_put_back_from_the_first_run_on() -> None:
    model = Filling()
    first = trace(model, X)
    assert not model.memory.any()
    assert trace(model, X) == first
    assert not model.memory.any()


def test_tensors_in_a_list_are_put_back_too() -> None:
    class Several(Filling):
        def forward(self, x: Tensor) -> Tensor:
            made: list[Tensor] = torch.ops.undeclared.fill_list(x, [self.memory, x.new_zeros(4)])
            return made[0] + 1

    model = Several()
    (written,) = (one.writes for one in trace(model, X).operations if one.name.startswith("undeclared"))
    assert len(written) == 2
    assert not model.memory.any()


def test_it_is_proved() -> None:
    assert trace(Filling(), X, verify=True).notes == ("verified: 3 operations replayed with the same bits",)


def test_one_that_shares_nothing_writes_nothing() -> None:
    class Doubling(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = torch.ops.undeclared.double(x)
            return made

    graphs = [trace(Doubling(), X) for _ in range(2)]
    assert [graph.operations[0].writes for graph in graphs] == [(), ()]
