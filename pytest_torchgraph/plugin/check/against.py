"""A graph against its stored snapshot: what the check comes to, and nothing done about it yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.plugin.check import comparison, stored
from pytest_torchgraph.plugin.check.ending import (
    Absent,
    Drift,
    Ending,
    Mistyped,
    OtherKind,
    Same,
    Superfluous,
    Unsteady,
    Written,
)
from pytest_torchgraph.plugin.check.rules import mistyped_in
from pytest_torchgraph.plugin.check.steady import DoesNotRepeat, Steady, repeats, set_aside, settle
from pytest_torchgraph.plugin.location import label, same_test_elsewhere
from pytest_torchgraph.recorded.repeating import MOST_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.check.comparison import Outcome
    from pytest_torchgraph.plugin.check.rules import Rules
    from pytest_torchgraph.plugin.check.slot import Slot

SAME_ENVIRONMENT = (
    "  no variant: the base was recorded with this minor version of PyTorch, device type and architecture."
)
SAME_WORK = "  no variant: the work lines are those of the base; tolerance= widens how far memory may move."


def against_snapshot(base: Slot, rules: Rules, first: Graph, again: Callable[[], Graph] | None) -> Ending:
    """What the check of *first* comes to; *again* traces once more, where that is possible.

    The variant that fits its environment best is compared with, but for a run that records variants.
    """
    does = base.settings
    address = base.base if does.varying else stored.best(base.base, first)
    found = stored.load(address)
    slot = base.at(address)
    if slot.is_variant and does.updating and _says_the_same(base, rules, first):
        return Superfluous(slot, first)
    mistyped = mistyped_in(rules, first, found.snapshot) if rules.own else ""
    if mistyped:
        return Mistyped(slot, first, mistyped)
    if found.snapshot is None:
        may_write = does.updating if found.fault else does.recording
        return _recorded(slot, first, found.fault, again) if may_write else Absent(slot, first, found.fault)
    outcome = comparison.judged(found.snapshot, first, rules)
    if found.snapshot.program.run.is_fake != first.origin.fake and not does.updating:
        return OtherKind(slot, first)
    judge = _as_variant if does.varying else _updated if does.updating else _compared
    return judge(slot, rules, outcome, again)


def _says_the_same(base: Slot, rules: Rules, graph: Graph) -> bool:
    """Whether *graph* matches the *base*, so that it needs no variant."""
    found = stored.load(base.address).snapshot
    return found is not None and comparison.judged(found, graph, rules).passes


def _compared(slot: Slot, rules: Rules, outcome: Outcome, again: Callable[[], Graph] | None) -> Ending:
    """The first run that matches, or the last one: that which repeats the one before, or the last that is made."""
    graphs = [outcome.graph]
    is_steady = again is None
    while again is not None and not outcome.passes and not is_steady and len(graphs) < MOST_RUNS:
        graphs.append(again())
        is_steady = repeats(graphs)
        if not is_steady:
            outcome = comparison.judged(outcome.snapshot, graphs[-1], rules)
    if not outcome.passes:
        return Drift(slot, outcome, is_steady=is_steady)
    notes = outcome.renames
    if len(graphs) > 1:
        notes = (*notes, *set_aside("the {} call matches the snapshot", graphs[:-1], outcome.graph))
    return Same(slot, outcome.graph, notes, outcome)


def _updated(slot: Slot, rules: Rules, outcome: Outcome, again: Callable[[], Graph] | None) -> Ending:
    notes: tuple[str, ...] = ()
    snapshot = outcome.snapshot
    if not outcome.passes:
        try:
            steady = settle(outcome.graph, again)
        except DoesNotRepeat as unsteady:
            return Unsteady(slot, outcome.graph, unsteady)
        outcome, notes = comparison.judged(snapshot, steady.graph, rules), steady.notes
    stands = outcome.passes and not outcome.renames and snapshot.test == slot.base.test
    if stands and snapshot.is_current:
        return Same(slot, outcome.graph, notes, outcome)
    moved = f"format {snapshot.version}, the graph is the same" if stands else outcome.moved
    return Written(slot, outcome.graph, "updated", moved, notes, outcome)


def _recorded(slot: Slot, first: Graph, fault: str, again: Callable[[], Graph] | None) -> Ending:
    """What is recorded where nothing lies, or a file with a *fault*."""
    try:
        steady = settle(first, again)
    except DoesNotRepeat as unsteady:
        return Unsteady(slot, first, unsteady)
    size, notes = comparison.size_of(steady.graph), steady.notes
    if fault:
        return Written(slot, steady.graph, "updated", f"{size}, the file could not be read", notes)
    found = same_test_elsewhere(slot.item, slot.address.path.name)
    if found is not None:
        root, path = (label(each, slot.item.config.rootpath) for each in found)
        notes += (f"a second snapshot of this test: {path} was recorded under the root directory {root}",)
    return Written(slot, steady.graph, "recorded", size, notes)


def _as_variant(slot: Slot, rules: Rules, outcome: Outcome, again: Callable[[], Graph] | None) -> Ending:
    """``--torchgraph-update=variant``: what this environment does otherwise than the base at *slot*."""
    base = outcome.snapshot
    steady = Steady(outcome.graph)
    if not outcome.passes:
        try:
            steady = settle(outcome.graph, again)
        except DoesNotRepeat as unsteady:
            return Unsteady(slot, outcome.graph, unsteady)
        outcome = comparison.judged(base, steady.graph, rules)
    if outcome.passes:
        own = slot.at(stored.best(slot.base, steady.graph))
        return Superfluous(own, steady.graph) if own.is_variant else Same(slot, steady.graph)
    labels = stored.differing(base, steady.graph)
    if not labels:
        return Drift(slot, outcome, is_steady=True, remark=SAME_ENVIRONMENT)
    if _does_same_work(slot, steady.graph):
        return Drift(slot, outcome, is_steady=True, remark=SAME_WORK)
    own = slot.at(stored.at(slot.base, labels))
    earlier = stored.load(own.address).snapshot
    if earlier is not None and comparison.judged(earlier, steady.graph, rules).passes:
        return Same(own, steady.graph, steady.notes)
    return Written(
        own, steady.graph, "updated" if own.address.path.exists() else "recorded", outcome.moved, steady.notes
    )


def _does_same_work(slot: Slot, graph: Graph) -> bool:
    text = comparison.text_of(graph, slot.base.test)
    return stored.work_lines(slot.address.path.read_text(encoding="utf-8")) == stored.work_lines(text)
