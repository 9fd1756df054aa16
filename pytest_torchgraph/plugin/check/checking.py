"""One check of one graph: against its snapshot, once for each name, and against its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.plugin.check import case, comparison, failing, limits, seen
from pytest_torchgraph.plugin.check.against import against_snapshot
from pytest_torchgraph.plugin.check.ending import end
from pytest_torchgraph.plugin.check.slot import fail_for_name, has_examples
from pytest_torchgraph.plugin.location import node_id
from pytest_torchgraph.plugin.session import events
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.check.rules import Rules
    from pytest_torchgraph.plugin.check.slot import Slot
    from pytest_torchgraph.verdict.finding import Finding


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made under one name: the graph of its first trace, the one that stands, and how it failed."""

    first: Graph
    stands: Graph
    failure: str


def check(
    item: pytest.Item,
    slot: Slot | None,
    rules: Rules,
    first: Graph,
    again: Callable[[], Graph] | None,
    earlier: dict[str, Checked],
) -> Graph:
    """Compare, store and judge; returns the graph that stands, or fails the test.

    What was checked under the name of *slot* stands in *earlier*, or is added.
    """
    __tracebackhide__ = True
    passing = None if slot is None or slot.name in earlier else seen.passing(slot, rules, first)
    known = None if passing is None else passing.known()
    if passing is None or known is None:
        return _compared(item, slot, rules, first, again, earlier, passing)
    item.stash[limits.CHECKED] = True
    graph, failure = end(known)
    earlier[passing.slot.name] = Checked(first, graph, failure)
    return graph


def _compared(
    item: pytest.Item,
    slot: Slot | None,
    rules: Rules,
    first: Graph,
    again: Callable[[], Graph] | None,
    earlier: dict[str, Checked],
    passing: seen.Passing | None,
) -> Graph:
    __tracebackhide__ = True
    if first.is_empty:
        _fail_for_nothing(item)
    broken = _broken(item, first, rules)
    graph, failure = first, ""
    if slot is not None and slot.name in earlier:
        graph, failure = _as_before(slot, earlier[slot.name], first, again)
    elif slot is not None:
        ending = against_snapshot(slot, rules, first, again)
        graph, failure = end(ending)
        earlier[slot.name] = Checked(first, graph, failure)
        if passing is not None and not broken and graph is first:
            passing.remember(ending)
    if graph is not first:
        broken = _broken(item, graph, rules)
    item.stash[limits.CHECKED] = True
    if broken:
        _fail_over_budget(item, slot, broken, failure)
    elif failure:
        failing.fail(item, failure)
    return graph


def _fail_for_nothing(item: pytest.Item) -> None:
    """Fail for a recording of nothing, which would pass for ever; a model that runs and computes nothing is none."""
    __tracebackhide__ = True
    pytest.fail(
        f"torchgraph: {node_id(item)} checks a recording of nothing: no module was called and no operation ran.\n"
        "  Run the model where it is recorded: inside 'with torch_graph.record(model) as recording:'.",
        pytrace=False,
    )


def _broken(item: pytest.Item, graph: Graph, rules: Rules) -> list[Finding]:
    __tracebackhide__ = True
    try:
        return limits.broken(graph, rules.limits) if rules.limits else []
    except ValueError as error:
        raise failing.mistake(item, error) from None


def _as_before(slot: Slot, earlier: Checked, first: Graph, again: Callable[[], Graph] | None) -> tuple[Graph, str]:
    """What the check under this name came to before, if it was of the same graph."""
    __tracebackhide__ = True
    if first not in (earlier.first, earlier.stands) and (again is None or again() != earlier.stands):
        advice = "; in a test of hypothesis one that the example makes" if has_examples(slot.item) else ""
        fail_for_name(slot.base, "was checked with another graph before.", slot.name, advice)
    return earlier.stands, earlier.failure


def _fail_over_budget(item: pytest.Item, slot: Slot | None, broken: list[Finding], failure: str) -> None:
    __tracebackhide__ = True
    test = node_id(item)
    where = slot.base.label if slot else test
    written = events.written(item, where)
    text = "; ".join(each.title for each in broken)
    text += f"; {written.what} all the same: {written.text}" if written else ""
    told = case.over_budget(item, where, broken) if settings(item.config).reporting else ""
    events.add(item, events.Event(test=test, path=where, what="budget", text=text, case=told))
    from pytest_torchgraph.report.budget import outline_of

    stored = f"  The snapshot was {written.what} all the same; no update moves a budget." if written else ""
    over = "\n".join(filter(None, (comparison.shown(outline_of(broken, test=test), item.config), stored)))
    failing.fail(item, "\n\n".join(filter(None, (over, failure))))
