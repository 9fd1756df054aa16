"""Scopes: the text of a module call, a phase and a loop, and what is told by type and not by that text."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Item,
    ModuleCall,
    ParameterLoop,
    PhaseBlock,
    Program,
    RecomputedCall,
)
from pytest_torchgraph.canonical.run import Run
from pytest_torchgraph.canonical.scope import FIRST, ScopePath, Turn
from pytest_torchgraph.diff.change import Added, Removed
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.grouping import phase_of, scope_of
from pytest_torchgraph.diff.tree import Tree
from pytest_torchgraph.verdict.causes.claim import module_of
from pytest_torchgraph.verdict.ignoring import Ignored


def block(name: str, *items: Item, call: int = 1) -> ModuleCall:
    return ModuleCall(name=name, call=call, class_name="M", items=items)


def again(name: str, call: int = 1) -> RecomputedCall:
    return RecomputedCall(name=name, call=call, class_name="M")


def phase(name: str, *items: Item, call: int = 1) -> PhaseBlock:
    return PhaseBlock(name=name, call=call, items=items)


def loop(name: Literal["each", "all"], call: int = 1) -> ParameterLoop:
    return ParameterLoop(name=name, call=call, parameters=("a", "b"))


def scopes(*items: Item) -> list[ScopePath]:
    root = ModuleCall(name="", class_name="Model", items=items)
    program = Program(run=Run(), metrics=(), peak_at=None, root=root, outputs=())
    return [body.scope for body in Tree(program).bodies[1:]]


BACKWARD = phase("backward", block("a", again(""), call=2))
CASES = [
    (block("a", block("b.c")), [("a", "forward", "a"), ("a.b.c", "forward", "a.b.c")]),
    (block("a", block("b", call=3), call=2), [("a#2", "forward", "a"), ("a#2.b#3", "forward", "a.b")]),
    (
        block("a", block("../b"), block("/c.d"), call=2),
        [("a#2", "forward", "a"), ("b", "forward", "b"), ("c.d", "forward", "c.d")],
    ),
    (
        BACKWARD,
        [("backward", "backward", ""), ("backward a#2", "backward", "a"), ("backward a#2#again", "backward", "a")],
    ),
    (
        phase("optimizer", loop("each", call=2), call=2),
        [("optimizer#2", "optimizer", ""), ("optimizer#2 each#2", "optimizer", "")],
    ),
    (
        block("backward", block("fc")),
        [("forward backward", "forward", "backward"), ("forward backward.fc", "forward", "backward.fc")],
    ),
    (
        block("my layer", again("fc", call=2)),
        [("my layer", "forward", "my layer"), ("my layer.fc#again2", "forward", "my layer.fc")],
    ),
    (
        block("a", phase("backward", block("fc")), call=2),
        [("a#2", "forward", "a"), ("a#2 backward", "backward", "a"), ("a#2 backward fc", "backward", "a.fc")],
    ),
]


@pytest.mark.parametrize(("outer", "told"), CASES)
def test_a_scope_is_told_by_phase_and_module_and_written_in_one_place(
    outer: AnyBlock, told: list[tuple[str, str, str]]
) -> None:
    assert [(str(scope), scope.phase, scope.module) for scope in scopes(outer)] == told


def test_what_runs_again_and_loops_are_told_without_reading_the_text() -> None:
    whole, call, rerun = scopes(BACKWARD)
    assert [scope.is_again for scope in (whole, call, rerun)] == [False, False, True]
    assert rerun.without_again == call
    assert whole.outside_loop == whole
    step, inside = scopes(phase("optimizer", loop("all")))
    assert inside.outside_loop == step != inside


class Named(nn.Module):
    """A model whose submodules are called as phases are, or with a space."""

    def __init__(self, name: str, activation: nn.Module) -> None:
        super().__init__()
        self.add_module(name, nn.Sequential(nn.Linear(4, 4), activation))
        self.name = name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.get_submodule(self.name)(x)
        return found


@pytest.mark.parametrize("name", ["backward", "optimizer", "between", "my backward"])
def test_a_module_that_is_called_as_a_phase_is_none(name: str) -> None:
    before, after = (
        trace(Named(name, activation), torch.ones(2, 4), backward=True).canonical
        for activation in (nn.Identity(), nn.ReLU())
    )
    for one, other, kind in ((before, after, Added), (after, before, Removed)):
        found = [change for change in compare(one, other).changes if isinstance(change, kind)]
        told = {(phase_of(change), module_of(change)) for change in found}
        assert told == {("forward", f"{name}.1"), ("backward", f"{name}.1")}
        assert all(Ignored(scopes=(f"{name}.*",)).covers(change) for change in found)
        assert not any(Ignored(scopes=("1",)).covers(change) for change in found)
        assert {scope_of(change).module for change in found} == {f"{name}.1"}


def test_a_renamed_scope_keeps_its_phase_and_its_turns() -> None:
    def now(path: str) -> str:
        return path.replace("part", "piece", 1)

    scope = ScopePath().called("part", Turn(2), [ScopePath()]).called("part.mlp", FIRST, [ScopePath()])
    assert str(scope.begins("backward", FIRST).renamed(now)) == str(scope.renamed(now).begins("backward", FIRST))
    twice = ScopePath().called("part", Turn(2), [ScopePath()])
    assert str(twice.renamed(now)) == "piece#2"
    assert twice.renamed(now).module == "piece"
