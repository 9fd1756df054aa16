"""``--torchgraph-update=variant``: record what this environment does otherwise than that of the base."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_torchgraph.plugin import comparison, variants
from pytest_torchgraph.plugin.against import drifted, drop_variant, nothing_stored, refused, write
from pytest_torchgraph.plugin.rules import mistyped_in
from pytest_torchgraph.plugin.steady import DoesNotRepeat, Steady, settle
from pytest_torchgraph.plugin.stored import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.against import Slot
    from pytest_torchgraph.plugin.rules import Rules
    from pytest_torchgraph.snapshot.reader import Snapshot

SAME_ENVIRONMENT = (
    "  no variant: the base was recorded with this minor version of PyTorch, device type and architecture."
)
SAME_WORK = "  no variant: the work lines are those of the base; tolerance= widens how far memory may move."


def vary(slot: Slot, rules: Rules, first: Graph, again: Callable[[], Graph] | None) -> tuple[Graph, str]:
    """The graph that stands and, when the test must fail, the report."""
    __tracebackhide__ = True
    found = load(slot.address)
    mistyped = mistyped_in(rules, first, found.snapshot)
    if mistyped:
        return first, f"{slot.address.test}: {mistyped}"
    if found.snapshot is None:
        return first, nothing_stored(slot, first, found.fault)
    return _against_base(slot, rules, found.snapshot, first, again)


def _against_base(
    slot: Slot, rules: Rules, base: Snapshot, first: Graph, again: Callable[[], Graph] | None
) -> tuple[Graph, str]:
    __tracebackhide__ = True
    outcome = comparison.judged(base, first, rules)
    steady = Steady(first)
    if not outcome.passes:
        try:
            steady = settle(first, again)
        except DoesNotRepeat as unsteady:
            return first, refused(slot, unsteady)
        outcome = comparison.judged(base, steady.graph, rules)
    if outcome.passes:
        return steady.graph, _unneeded(slot, steady.graph)
    labels = variants.differing(base, steady.graph)
    text = comparison.text_of(steady.graph, slot.address.test)
    fault = SAME_ENVIRONMENT if not labels else SAME_WORK if _same_work(slot, text) else ""
    if fault:
        graph, report = drifted(slot, base, outcome, is_steady=True)
        return graph, f"{report}\n{fault}"
    own = replace(slot, address=variants.at(slot.address, labels))
    return _recorded(own, rules, steady, outcome.moved)


def _unneeded(slot: Slot, graph: Graph) -> str:
    own = replace(slot, address=variants.best(slot.address, graph))
    if own.is_variant:
        return drop_variant(own, slot)
    slot.settle()
    slot.count(passes=True)
    slot.note("unchanged")
    return ""


def _same_work(slot: Slot, text: str) -> bool:
    stored = slot.address.path.read_text(encoding="utf-8")
    return variants.work_lines(stored) == variants.work_lines(text)


def _recorded(slot: Slot, rules: Rules, steady: Steady, moved: str) -> tuple[Graph, str]:
    """Write the variant at *slot*, unless one that matches lies there."""
    earlier = load(slot.address).snapshot
    if earlier is not None and comparison.judged(earlier, steady.graph, rules).passes:
        slot.settle()
        slot.count(passes=True)
        slot.note("unchanged", notes=steady.notes)
        return steady.graph, ""
    return write(slot, steady, "updated" if slot.address.path.exists() else "recorded", moved)
