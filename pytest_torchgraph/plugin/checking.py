"""One check: which snapshot it is, what is compared, what is written, and how it fails."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_torchgraph.plugin import events, extension, failing, limits, options, reports
from pytest_torchgraph.plugin.against import Slot, against_snapshot
from pytest_torchgraph.plugin.events import Event
from pytest_torchgraph.plugin.location import is_text
from pytest_torchgraph.plugin.varying import vary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_torchgraph.graph.graph import Graph
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.plugin.rules import Rules


def claim(item: pytest.Item, taken: set[str], name: str | None) -> Slot:
    """The slot *name* of *item*, or the next unnamed one; fails when another check already has its file."""
    __tracebackhide__ = True
    if name is not None and not name:
        raise ValueError("name='' names no snapshot: leave name out, or give a word.")
    if name is not None and not is_text(name):
        raise ValueError(f"name={name!r} names no snapshot: it holds half a character, which no file can be named by.")
    unnamed = sum(slot == "" or slot.isdigit() for slot in taken)
    chosen = name if name is not None else ("" if not unnamed else str(unnamed + 1))
    address = extension.address(item, chosen)
    claims = item.config.stash[events.LEDGER].claims
    spelled = address.path.with_name(address.path.name.casefold())
    holder = claims.setdefault(spelled, (address.test, chosen))
    if holder[0] != address.test or chosen.casefold() in {slot.casefold() for slot in taken}:
        _fail_name_taken(address, chosen, holder)
    taken.add(chosen)
    return Slot(item=item, name=chosen, address=address)


def _fail_name_taken(address: Address, chosen: str, holder: tuple[str, str]) -> NoReturn:
    __tracebackhide__ = True
    who = "an earlier check of this test" if holder[0] == address.test else holder[0]
    pytest.fail(
        f"torchgraph: two snapshots with one name in {address.test}\n"
        f"  {address.label} already belongs to {who} (name={holder[1]!r}).\n"
        f"  Give each check of a test its own name: torch_graph.check(..., name={(chosen or 'first') + '-2'!r}).",
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
) -> Graph:
    """Compare, store and judge; returns the graph that stands, or fails the test."""
    __tracebackhide__ = True
    with told_as_mistake(item):
        broken = limits.broken(first, budget)
    compared = vary if options.varying(item.config) else against_snapshot
    graph, failure = (first, "") if slot is None else compared(slot, rules, first, again)
    test = extension.address(item, "").test
    if graph is not first:
        broken = limits.broken(graph, budget)
    limits.note_checked(item)
    if broken:
        where = slot.address.label if slot else test
        case = reports.over_budget(item, where, broken)
        text = "; ".join(each.title for each in broken)
        events.add(item, Event(test=test, path=where, what="over budget", text=text, case=case))
        failing.fail(item, "\n\n".join(text for text in (limits.report(test, broken, item.config), failure) if text))
    elif failure:
        failing.fail(item, failure)
    return graph


@contextmanager
def told_as_mistake(item: pytest.Item) -> Iterator[None]:
    """Fail the test with one line where an argument of its check cannot be used, before anything is written."""
    __tracebackhide__ = True
    try:
        yield
    except ValueError as error:
        raise pytest.fail.Exception(f"{extension.address(item, '').test}: {error}", pytrace=False) from None
