"""A graph against its stored snapshot: match, drift, record or update."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_torchgraph.plugin import comparison, events, options, pending, reports
from pytest_torchgraph.plugin.events import Event, What
from pytest_torchgraph.plugin.extension import Entry, store
from pytest_torchgraph.plugin.location import from_here
from pytest_torchgraph.plugin.rules import mistyped_in
from pytest_torchgraph.plugin.steady import DoesNotRepeat, Steady, settle
from pytest_torchgraph.plugin.stored import body_digest, load

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_torchgraph.graph.graph import Graph
    from pytest_torchgraph.plugin.comparison import Outcome
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.plugin.rules import Rules
    from pytest_torchgraph.snapshot.reader import Snapshot

SECOND_CALL_NOTE = "the first call does other work; the second call matches the snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One snapshot of one test: the name within the test, where the file lies, and what is compared."""

    item: pytest.Item
    name: str
    address: Address

    def note(
        self,
        what: What,
        text: str = "",
        *,
        change: str = "",
        body: str = "",
        notes: tuple[str, ...] = (),
        environment: tuple[str, ...] = (),
        case: str = "",
    ) -> None:
        """Keep for the summary and the reports what happened to this snapshot."""
        where = {"test": self.address.test, "path": self.address.label, "text": text, "change": change, "body": body}
        events.add(self.item, Event(what=what, notes=notes, environment=environment, case=case, **where))

    def case(self, what: What, outcome: Outcome, snapshot: Snapshot) -> str:
        """What a report tells of the comparison with *snapshot*."""
        accept = self.accept if what == "drifted" else ""
        return reports.compared(self.item, self.address.label, outcome.comparison, snapshot, what, accept)

    def count(self, *, passes: bool) -> None:
        """Let syrupy count the stored file as matching or not; nothing is written."""
        store(self.item, self.name, Entry("", stands=passes))

    def write(self, text: str) -> None:
        """Write the file and let syrupy count it."""
        store(self.item, self.name, Entry(text, stands=False), write=True)

    @property
    def accept(self) -> str:
        """The command that records this snapshot; always the last line of a failure."""
        config = self.item.config
        chosen = config.getoption("torchgraph_snapshot_dir")
        folder = f" --torchgraph-snapshot-dir {shlex.quote(chosen)}" if chosen else ""
        return f"pytest {shlex.quote(from_here(self.address.test, config))} --torchgraph-update{folder}"


def against_snapshot(slot: Slot, rules: Rules, first: Graph, again: Callable[[], Graph] | None) -> tuple[Graph, str]:
    """The graph that stands and, when the test must fail, the report."""
    __tracebackhide__ = True
    found = load(slot.address)
    mistyped = mistyped_in(rules, first, found.snapshot)
    if mistyped:
        return first, f"{slot.address.test}: {mistyped}"
    if found.snapshot is not None:
        return _compared(slot, rules, found.snapshot, first, again)
    may_write = options.updating(slot.item.config) if found.fault else options.recording(slot.item.config)
    if may_write:
        return _recorded(slot, first, again, "updated" if found.fault else "recorded")
    return first, _nothing_stored(slot, first, found.fault)


def _compared(
    slot: Slot, rules: Rules, snapshot: Snapshot, first: Graph, again: Callable[[], Graph] | None
) -> tuple[Graph, str]:
    __tracebackhide__ = True
    outcome = comparison.judged(snapshot, first, rules)
    if options.updating(slot.item.config):
        return _updated(slot, rules, snapshot, outcome, again)
    notes = outcome.renames
    if not outcome.passes and again is not None:
        outcome = comparison.judged(snapshot, again(), rules)
        notes = (*outcome.renames, SECOND_CALL_NOTE)
    if outcome.passes:
        pending.drop(slot.address.path)
        slot.count(passes=True)
        slot.note("matched", notes=notes, case=slot.case("matched", outcome, snapshot))
        return outcome.graph, ""
    return _drifted(slot, snapshot, outcome, first, again)


def _drifted(
    slot: Slot, snapshot: Snapshot, outcome: Outcome, first: Graph, again: Callable[[], Graph] | None
) -> tuple[Graph, str]:
    __tracebackhide__ = True
    slot.count(passes=False)
    verdict, environment = outcome.verdict, outcome.comparison.environment
    case = slot.case("drifted", outcome, snapshot)
    slot.note("drifted", verdict.headline, change=verdict.fingerprint, environment=environment, case=case)
    report = comparison.drift_report(outcome, slot.address.test, slot.accept, slot.item.config)
    if pending.is_wanted() and (again is None or outcome.graph in (first, again())):
        fault = pending.keep(slot.address, outcome)
        if fault:
            return outcome.graph, f"{report}\n{fault}"
        slot.note("waiting")
    return outcome.graph, report


def _updated(
    slot: Slot, rules: Rules, snapshot: Snapshot, outcome: Outcome, again: Callable[[], Graph] | None
) -> tuple[Graph, str]:
    notes: tuple[str, ...] = ()
    if not outcome.passes:
        try:
            steady = settle(outcome.graph, again)
        except DoesNotRepeat as unsteady:
            return outcome.graph, _refused(slot, unsteady)
        outcome, notes = comparison.judged(snapshot, steady.graph, rules), steady.notes
    if outcome.passes and not outcome.renames and snapshot.test == slot.address.test:
        pending.drop(slot.address.path)
        slot.count(passes=True)
        slot.note("unchanged", notes=notes, case=slot.case("unchanged", outcome, snapshot))
        return outcome.graph, ""
    case = slot.case("updated", outcome, snapshot)
    return _written(slot, Steady(outcome.graph, notes), "updated", outcome.moved, case)


def _recorded(slot: Slot, first: Graph, again: Callable[[], Graph] | None, what: What) -> tuple[Graph, str]:
    try:
        steady = settle(first, again)
    except DoesNotRepeat as unsteady:
        return first, _refused(slot, unsteady)
    repaired = ", the file could not be read" if what == "updated" else ""
    return _written(slot, steady, what, comparison.size_of(steady.graph) + repaired)


def _written(slot: Slot, steady: Steady, what: What, moved: str, case: str = "") -> tuple[Graph, str]:
    text = comparison.text_of(steady.graph, slot.address.test)
    try:
        slot.write(text)
    except OSError as error:
        slot.note("refused", f"cannot be written ({error.strerror})")
        return steady.graph, (
            f"torchgraph: {slot.address.label} cannot be written: {error.strerror}\n"
            "  Nothing was recorded. Make the folder writable, or choose another with the ini setting\n"
            f"  torchgraph_snapshot_dir, then:\n  accept: {slot.accept}"
        )
    pending.drop(slot.address.path)
    slot.note(what, moved, body=body_digest(text), notes=steady.notes, case=case)
    return steady.graph, ""


def _refused(slot: Slot, unsteady: DoesNotRepeat) -> str:
    first_change = comparison.first_change(unsteady.before, unsteady.after)
    slot.note("refused", f"the model does not repeat: {first_change}")
    return (
        f"torchgraph: {slot.address.test} was not recorded: the model does other work on each call\n"
        f"  the second and the third call differ, first in: {first_change}\n"
        "  Make the model and its inputs repeat (a cache that grows, a counter, a draw from its own generator),\n"
        "  or fix which call is recorded with check(..., warmup=n). Nothing was written. Then:\n"
        f"  accept: {slot.accept}"
    )


def _nothing_stored(slot: Slot, graph: Graph, fault: str) -> str:
    slot.count(passes=False)
    if fault:
        slot.note("unreadable", fault.splitlines()[0].removeprefix(f"{slot.address.label}:"))
        told = _indented(fault)
        return f"torchgraph: the snapshot of {slot.address.test} cannot be read\n{told}\n  accept: {slot.accept}"
    slot.note(
        "missing",
        f"the model runs {comparison.size_of(graph)}",
        body=body_digest(comparison.text_of(graph, slot.address.test)),
    )
    return (
        f"torchgraph: {slot.address.test} has no snapshot\n"
        f"  {slot.address.label} does not exist; the model runs {comparison.size_of(graph)}.\n"
        f"  Record it, look at the file, and commit it.\n  accept: {slot.accept}"
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
