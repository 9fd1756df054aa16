"""Parameters that the optimizer updates otherwise than the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_torchgraph.canonical.program import Block, ParameterLoop
from pytest_torchgraph.diff.change import LoopChanged
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import OPTIMIZER
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Side, both_ways, names_in
from pytest_torchgraph.words.counting import listed, times

GROUPS = "parameter groups of the optimizer have options of their own (weight_decay, lr)"
ALIKE = "parameter groups of the optimizer have the same options now (weight_decay, lr)"


@both_ways
def apart(side: Side) -> Iterator[Claim]:
    """The optimizer works on some parameters in a loop of their own, or no longer."""
    loops = [change for change in side.seen.changes if isinstance(change, LoopChanged)]
    loops = [loop for loop in loops if not (loop.came or loop.went)]
    moved = {name for loop in loops for name in (loop.parted if side.more else loop.joined)}
    found = {change: change.site.item for change in side.changes if phase_of(change) == OPTIMIZER}
    own = {change: item for change, item in found.items() if isinstance(item, ParameterLoop)}
    if not own or moved != {name for loop in own.values() for name in loop.parameters}:
        return
    names = dict.fromkeys(name for loop in own.values() for name in loop.parameters)
    what = _otherwise(*own) if len(own) == 1 else ""
    how = "otherwise than the rest" if side.more else "like the rest"
    told = f", {'' if side.more else 'no longer '}{what}" if what else ""
    title = f"the optimizer updates {times(len(names), 'parameter')} {how}{told}: {listed([*names], 3)}"
    cause = Cause("other-optimizer", GROUPS if side.more else ALIKE)
    yield Claim(cause, "operation", title, (*loops, *own))


def _otherwise(change: Come) -> str:
    """``without mul_``: what is done for the parameters of a loop and not for those of the one beside it."""
    own, around = change.site.item, change.site.body
    rest = [item for item in around.items if item != own] if isinstance(around, Block) else []
    others = [item for item in rest if isinstance(item, ParameterLoop)]
    if len(others) != 1:
        return ""
    mine, theirs = Counter(names_in(own)), Counter(names_in(others[0]))
    parts = [
        f"{word} {_named(names)}" for word, names in (("with", mine - theirs), ("without", theirs - mine)) if names
    ]
    return " and ".join(parts) or "by other numbers"


def _named(names: Counter[str]) -> str:
    return listed([name.removeprefix("aten.") for name in names], 3)
