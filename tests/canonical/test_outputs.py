"""How a canonical graph tells what the caller of a model gets: by the scopes' own results, or through the scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.program import Block, Inner, Item, Operand, Program, Result
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import Calls, example

X = example(4, 8)
Run = Callable[[Any, Tensor], Any]


def program(forward: Run, **children: nn.Module) -> Program:
    """The canonical graph of a model with these children."""
    return trace(Calls(forward, **children), X).canonical


def returns(found: Program) -> list[str]:
    """The lines that name what came out; the file that holds them is read back as it was."""
    text = write(found, test="t", recorded="r")
    assert read(text).program == found
    return [line.strip() for line in text.splitlines() if line.strip().startswith("return")]


def exports_of(items: tuple[Item, ...]) -> dict[str, int]:
    """How many values each scope hands out."""
    found: dict[str, int] = {}
    for item in items:
        if isinstance(item, Block):
            found |= {item.name: len(item.exports), **exports_of(item.items)}
    return found


def first_and_last() -> nn.Module:
    """Hands its caller the result of its first operation too."""

    def forward(_: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
        first = x.sin()
        return first.cos(), first

    return Calls(forward)


def test_the_first_result_of_the_last_item_goes_without_saying() -> None:
    found = program(lambda model, x: model.outer(x), outer=Calls(lambda m, x: m.inner(x), inner=nn.Tanh()))
    assert found.outputs == (("", Operand(Result(1))),)
    assert returns(found) == ["return %outer"]


def test_a_value_that_only_the_caller_reads_is_told_through_its_scopes() -> None:
    found = program(lambda model, x: model.outer(x), outer=Calls(lambda m, x: m.inner(x), inner=first_and_last()))
    assert [operand.reference for _, operand in found.outputs] == [Result(1), Inner((1, 0, 0))]
    assert returns(found) == ["return 0 = %outer", "return 1 = %outer>inner>sin"]
    assert exports_of(found.root.items) == {"outer": 1, "inner": 1}


def test_a_value_that_work_outside_reads_is_named_as_the_scope_hands_it_out() -> None:
    def forward(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        last, first = model.block(x)
        return first * last, first

    found = program(forward, block=first_and_last())
    assert exports_of(found.root.items) == {"block": 2}
    assert returns(found) == ["return 0 = %mul", "return 1 = %block"]


def test_a_value_that_leaves_only_some_of_its_scopes_is_told_through_all_of_them() -> None:
    def outer(module: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        last, first = module.inner(x)
        return first * last, first

    found = program(lambda model, x: model.outer(x), outer=Calls(outer, inner=first_and_last()))
    assert exports_of(found.root.items) == {"outer": 1, "inner": 2}
    assert returns(found) == ["return 0 = %outer", "return 1 = %outer>inner>sin"]


def test_a_second_result_is_told_by_its_position_and_a_view_by_its_geometry() -> None:
    block = Calls(lambda _, x: [part.T for part in x.sort()])
    assert returns(program(lambda model, x: model.block(x), block=block)) == [
        "return 0 = %block.T",
        "return 1 = %block>sort:1.T",
    ]


@pytest.mark.parametrize("calls", [1, 2])
def test_a_second_call_is_told_from_the_first(calls: int) -> None:
    def forward(model: Any, x: Tensor) -> list[Tensor]:
        return [model.block(x)[1] for _ in range(calls)]

    names = ["%block>sin", "%block#2>sin"][:calls]
    found = returns(program(forward, block=first_and_last()))
    assert [line.rpartition(" = ")[2] for line in found] == names


def test_another_value_inside_the_same_scope_is_another_graph() -> None:
    def forward(place: int) -> Run:
        def chosen(_: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
            made = (x.sin(), x.cos(), x.tan())
            return made[2], made[place]

        return lambda model, x: Calls(chosen)(x)

    assert program(forward(0)) == program(forward(0))
    assert program(forward(0)) != program(forward(1))
