"""One check: which snapshot it is, what is compared, what is written, and how it fails."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import pytest

from pytest_torchgraph.plugin import events, extension, failing, limits, options, reports
from pytest_torchgraph.plugin.against import Slot, against_snapshot
from pytest_torchgraph.plugin.events import Event
from pytest_torchgraph.plugin.location import is_text
from pytest_torchgraph.plugin.varying import vary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.plugin.rules import Rules
    from pytest_torchgraph.verdict.finding import Finding


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made under one name: the graph of its first trace, the one that stands, and how it failed."""

    first: Graph
    stands: Graph
    failure: str


Checks: TypeAlias = "dict[str, Checked | None]"


def claim(item: pytest.Item, checks: Checks, name: str | None) -> Slot:
    """The slot *name* of *item*, or the next unnamed one; fails when another check already has its file.

    A test of hypothesis runs its checks once for each example, so there an unnamed check is always the same.
    """
    __tracebackhide__ = True
    if name is not None and not name:
        raise ValueError("name='' names no snapshot: leave name out, or give a word.")
    if name is not None and not is_text(name):
        raise ValueError(f"name={name!r} names no snapshot: it holds half a character, which no file can be named by.")
    unnamed = 0 if _repeats(item) else sum(slot == "" or slot.isdigit() for slot in checks)
    chosen = name if name is not None else ("" if not unnamed else str(unnamed + 1))
    address = extension.address(item, chosen)
    claims = item.config.stash[events.LEDGER].claims
    spelled = address.path.with_name(address.path.name.casefold())
    holder = claims.setdefault(spelled, (address.test, chosen))
    others = {slot.casefold() for slot in checks if slot != chosen}
    if holder[0] != address.test or chosen.casefold() in others:
        who = "an earlier check of this test" if holder[0] == address.test else holder[0]
        _fail_name_taken(address, f"already belongs to {who} (name={holder[1]!r}).", chosen)
    checks.setdefault(chosen, None)
    events.add(item, Event(test=address.test, path=address.label, what="claimed"))
    return Slot(item=item, name=chosen, address=address)


def _repeats(item: pytest.Item) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def _fail_name_taken(address: Address, why: str, chosen: str, advice: str = "") -> NoReturn:
    __tracebackhide__ = True
    name = f"{chosen or 'first'}-2"
    pytest.fail(
        f"torchgraph: two snapshots with one name in {address.test}\n"
        f"  {address.label} {why}\n"
        f"  Give each check of a test its own name: torch_graph.check(..., name={name!r}){advice}.",
        pytrace=False,
    )


def limits_for(item: pytest.Item, budget: Mapping[str, Any] | None, rules: Rules) -> limits.Limits:
    """The budgets of one check; ``compare="budget"`` without any would be an empty green."""
    __tracebackhide__ = True
    found = limits.for_check(item, budget)
    if rules.compare == "budget" and not found:
        pytest.fail(
            f"torchgraph: {extension.address(item, '').test} compares only budgets (compare='budget'), and has none.\n"
            "  Give check(budget={...}), the marker torchgraph_budget, or the ini setting torchgraph_budget.",
            pytrace=False,
        )
    return found


def check(
    item: pytest.Item,
    slot: Slot | None,
    rules: Rules,
    budget: limits.Limits,
    first: Graph,
    again: Callable[[], Graph] | None,
    checks: Checks,
) -> Graph:
    """Compare, store and judge; returns the graph that stands, or fails the test."""
    __tracebackhide__ = True
    _require_recorded(item, first)
    with told_as_mistake(item):
        broken = limits.broken(first, budget)
    graph, failure = (first, "") if slot is None else _against(slot, rules, first, again, checks)
    if graph is not first:
        broken = limits.broken(graph, budget)
    limits.note_checked(item)
    if broken:
        _fail_over_budget(item, slot, broken, failure)
    elif failure:
        failing.fail(item, failure)
    return graph


def _against(
    slot: Slot, rules: Rules, first: Graph, again: Callable[[], Graph] | None, checks: Checks
) -> tuple[Graph, str]:
    """The graph that stands and, when the test must fail, the report; once for each name, however often it is asked."""
    __tracebackhide__ = True
    earlier = checks[slot.name]
    if earlier is not None:
        if first not in (earlier.first, earlier.stands) and (again is None or again() != earlier.stands):
            advice = "; in a test of hypothesis one that the example makes" if _repeats(slot.item) else ""
            _fail_name_taken(slot.address, "was checked with another graph before.", slot.name, advice)
        return earlier.stands, earlier.failure
    compared = vary if options.varying(slot.item.config) else against_snapshot
    graph, failure = compared(slot, rules, first, again)
    checks[slot.name] = Checked(first, graph, failure)
    return graph, failure


def _require_recorded(item: pytest.Item, graph: Graph) -> None:
    """Fail for a recording of nothing, which would pass for ever; a model that runs and computes nothing is none."""
    __tracebackhide__ = True
    if not (graph.operations or graph.outputs or len(graph.scopes) > 1):
        pytest.fail(
            f"torchgraph: {extension.address(item, '').test} checks a recording of nothing: "
            "no module was called and no operation ran.\n"
            "  Run the model where it is recorded: inside 'with torch_graph.record(model) as recording:'.",
            pytrace=False,
        )


def _fail_over_budget(item: pytest.Item, slot: Slot | None, broken: list[Finding], failure: str) -> None:
    __tracebackhide__ = True
    test = extension.address(item, "").test
    where = slot.address.label if slot else test
    case = reports.over_budget(item, where, broken)
    written = events.written(item, where)
    text = "; ".join(each.title for each in broken)
    text += f"; {written.what} all the same: {written.text}" if written else ""
    events.add(item, Event(test=test, path=where, what="over budget", text=text, case=case))
    stored = f"  The snapshot was {written.what} all the same; no update moves a budget." if written else ""
    over = "\n".join(filter(None, (limits.report(test, broken, item.config), stored)))
    failing.fail(item, "\n\n".join(filter(None, (over, failure))))


@contextmanager
def told_as_mistake(item: pytest.Item) -> Iterator[None]:
    """Fail the test with one line where an argument of its check cannot be used, before anything is written."""
    __tracebackhide__ = True
    try:
        yield
    except ValueError as error:
        raise pytest.fail.Exception(f"{extension.address(item, '').test}: {error}", pytrace=False) from None
