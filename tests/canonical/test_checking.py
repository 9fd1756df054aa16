"""The checker of programs finds what stands for nothing, and nothing in a program that holds together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical import building
from pytest_torchgraph.canonical.checking import Malformed, check
from pytest_torchgraph.canonical.program import (
    Inner,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    ParameterLoop,
    PhaseBlock,
    Program,
    Reference,
    Result,
    Saved,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.run import Run
from pytest_torchgraph.snapshot import reader
from pytest_torchgraph.snapshot.writer import write
from tests.diff.programs import f32
from tests.snapshot.strategies import programs

X = f32(2)


def work(*references: Reference, becomes: tuple[tuple[int, str], ...] = ()) -> Work:
    return Work("aten.mul.Tensor", tuple(map(Operand, references)), (), (X, None), becomes)


def call(name: str, *items: Item, takes: tuple[Reference, ...] = (), number: int = 1, leaves: str = "") -> ModuleCall:
    return ModuleCall(
        name=name,
        call=number,
        class_name="M",
        inputs=tuple(map(Operand, takes)),
        leaves=tuple((leaf, X) for leaf in leaves),
        items=items,
        exports=(Result(0),) if items else (),
    )


def program(*items: Item, outputs: tuple[Reference, ...] = ()) -> Program:
    told = tuple(("", Operand(reference)) for reference in outputs)
    root = replace(call("", *items, leaves="w"), exports=())
    return Program(run=Run(), metrics=(), peak_at=None, root=root, outputs=told)


def backward(*items: Item) -> PhaseBlock:
    return PhaseBlock(name="backward", items=items)


def loop(*parameters: str, items: tuple[Item, ...] = ()) -> ParameterLoop:
    return ParameterLoop(name="each", parameters=parameters, items=items)


LAYER = call("a", work(Input(0)), takes=(Result(0),))
SOUND = {
    "values in order": program(work(Leaf("w")), work(Result(0)), outputs=(Result(1),)),
    "a module call": program(work(), LAYER, work(Result(1)), outputs=(Inner((1, 0)),)),
    "a phase": program(work(), LAYER, backward(call("a", work(Saved(0, (0,)))), work(Saved(0, (1, 0))))),
    "what its forward call took": program(work(), LAYER, backward(call("a", work(Saved(0, (), 0), Saved(1, (0,)))))),
    "a loop": program(backward(loop("a", "b", items=(work(),)))),
}
PLANTED = [
    ("no item 1 stands above", program(work(), work(Result(1)))),
    ("no item 3 stands above", program(work(), outputs=(Result(3),))),
    ("item 0 gives 2 values", program(work(), work(Result(0, 2)))),
    ("value 1 of item 0 is no tensor", program(work(), work(Result(0, 1)))),
    ("the body takes 0 values", program(work(Input(0)))),
    ("item 1, a, item 0: .* the body takes 1 values", program(work(), replace(LAYER, items=(work(Input(1)),)))),
    ("no leaf 'b' is declared", program(work(Leaf("b")))),
    ("item 0, a, item 0: .* no leaf 'w' is declared", program(call("a", work(Leaf("w"))))),
    ("export: .* no item 2 stands above", program(replace(call("a", work()), exports=(Result(2),)))),
    ("root, export", replace(SOUND["a loop"], root=replace(SOUND["a loop"].root, exports=(Result(1),)))),
    ("no scope stands on the way", program(work(), outputs=(Inner((0, 0)),))),
    ("only the caller of the model reads", program(work(), LAYER, work(Inner((1, 0))))),
    ("named as in a phase", program(work(), work(Saved(0, (0,))))),
    ("no forward call stands for this block", program(work(), backward(call("b", work(Saved(0, (0,))))))),
    ("no forward call", program(work(), LAYER, backward(call("a", work(Saved(0, (0,))), number=2)))),
    ("no forward call", program(work(), LAYER, backward(call("a", work(Saved(3, (0,))))))),
    ("no value that it made becomes 'g'", program(work(becomes=((1, "g"),)))),
    ("'ModuleCall a' is there twice", program(call("a"), call("a"))),
    ("leaves: 'v' is there twice", program(call("a", leaves="vv"))),
    ("calls are counted from 1", program(call("a", number=0))),
    ("stands in no phase", program(loop("a"))),
    ("a loop over no parameters", program(backward(loop()))),
    ("parameters: 'a' is there twice", program(backward(loop("a", "a")))),
    ("scaled, item 0: .* the body takes 0 values", program(Semantic("scaled", (), (), (work(Input(0)),), ()))),
]


@pytest.mark.parametrize("name", SOUND)
def test_a_program_that_holds_together_is_given_back(name: str) -> None:
    assert check(SOUND[name]) is SOUND[name]


@pytest.mark.parametrize(("told", "planted"), PLANTED)
def test_what_stands_for_nothing_is_found_and_told_with_its_place(told: str, planted: Program) -> None:
    with pytest.raises(Malformed, match=told):
        check(planted)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(programs())
def test_any_program_holds_together(program: Program) -> None:
    check(program)


def test_the_tests_check_what_is_built_and_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = trace(nn.Linear(2, 2), torch.ones(2, 2))
    text = write(graph.canonical, test="t", recorded="r")
    root = replace(graph.canonical.root, leaves=())
    monkeypatch.setattr(building, "with_gathered_phases", lambda *_: root)
    with pytest.raises(Malformed, match="no leaf 'bias' is declared"):
        _ = trace(nn.Linear(2, 2), torch.ones(2, 2)).canonical
    monkeypatch.setattr(reader, "Program", lambda **given: replace(graph.canonical, root=root) if given else None)
    with pytest.raises(Malformed, match="no leaf 'bias' is declared"):
        reader.read(text)
