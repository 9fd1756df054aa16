"""A graph against its stored snapshot: match, drift, record or update."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from errno import ELOOP
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin import comparison, events, options, pending, reports, variants
from pytest_torchgraph.plugin.command import command
from pytest_torchgraph.plugin.events import Event, What
from pytest_torchgraph.plugin.extension import Entry, address, store
from pytest_torchgraph.plugin.location import from_here, label, same_test_elsewhere
from pytest_torchgraph.plugin.rules import mistyped_in
from pytest_torchgraph.plugin.steady import MOST_RUNS, DoesNotRepeat, Steady, repeats, set_aside, settle
from pytest_torchgraph.plugin.stored import body_digest, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.comparison import Outcome
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.plugin.rules import Rules
    from pytest_torchgraph.snapshot.reader import Snapshot


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
        changes: tuple[str, ...] = (),
        body: str = "",
        notes: tuple[str, ...] = (),
        environment: tuple[str, ...] = (),
        case: str = "",
    ) -> None:
        """Keep for the summary and the reports what happened to this snapshot."""
        where: dict[str, Any] = {"test": self.address.test, "path": self.address.label}
        told: dict[str, Any] = {"text": text, "body": body, "notes": notes, "environment": environment, "case": case}
        events.add(self.item, Event(what=what, changes=changes, **where, **told))

    def case(self, what: What, outcome: Outcome, snapshot: Snapshot) -> str:
        """What a report tells of the comparison with *snapshot*."""
        accept = self.accept if what == "drifted" else ""
        return reports.compared(self.item, self.address.label, outcome.comparison, snapshot, what, accept)

    def count(self, *, passes: bool) -> None:
        """Let syrupy count the stored file as matching or not; nothing is written."""
        store(self.item, self.name, Entry("", stands=passes))

    def write(self, text: str) -> None:
        """Write the file and let syrupy count it, which knows nothing of variants."""
        if self.is_variant:
            from pytest_torchgraph.snapshot.saving import write_whole

            write_whole(self.address.path, text)
        store(self.item, self.name, Entry(text, stands=self.is_variant), write=not self.is_variant)

    def settle(self) -> None:
        """Remove what waits for review here, and for the base that a variant was made of."""
        for path in {self.address.path, address(self.item, self.name).path}:
            pending.drop(path)

    @property
    def is_variant(self) -> bool:
        """Whether the file is that of one environment."""
        return self.address.path != address(self.item, self.name).path

    @property
    def accept(self) -> str:
        """The command that records this snapshot."""
        return self.command("--torchgraph-update")

    @property
    def accept_at_once(self) -> str:
        """The command that takes what waits for review in the place of this snapshot, from where pytest was started."""
        return shlex.join(["torchgraph", "accept", label(self.address.path, self.item.config.invocation_params.dir)])

    def command(self, option: str) -> str:
        """The command that runs the test with *option*."""
        return command(self.address.test, self.item.config, option)


def against_snapshot(base: Slot, rules: Rules, first: Graph, again: Callable[[], Graph] | None) -> tuple[Graph, str]:
    """The graph that stands and, when the test must fail, the report; the variant that fits best is compared with."""
    __tracebackhide__ = True
    slot = replace(base, address=variants.best(base.address, first))
    if slot.is_variant and options.updating(slot.item.config) and says_the_same(base, rules, first):
        return first, drop_variant(slot, base)
    found = load(slot.address)
    mistyped = mistyped_in(rules, first, found.snapshot)
    if mistyped:
        return first, f"{slot.address.test}: {mistyped}"
    if found.snapshot is not None:
        return _compared(slot, rules, found.snapshot, first, again)
    may_write = options.updating(slot.item.config) if found.fault else options.recording(slot.item.config)
    if may_write:
        return _recorded(slot, first, again, "updated" if found.fault else "recorded")
    return first, nothing_stored(slot, first, found.fault)


def says_the_same(base: Slot, rules: Rules, graph: Graph) -> bool:
    """Whether *graph* matches the *base*, so that it needs no variant."""
    found = load(base.address).snapshot
    return found is not None and comparison.judged(found, graph, rules).passes


def drop_variant(slot: Slot, base: Slot) -> str:
    """Remove the variant *slot*, now that the *base* says the same; the report if that fails."""
    base.count(passes=True)
    try:
        slot.address.path.unlink()
    except OSError as error:
        slot.note("refused", f"cannot be removed ({error.strerror})")
        return f"torchgraph: {slot.address.label} equals the base and cannot be removed: {error.strerror}"
    pending.drop(slot.address.path)
    slot.note("updated", "removed, the base says the same")
    return ""


def _compared(
    slot: Slot, rules: Rules, snapshot: Snapshot, first: Graph, again: Callable[[], Graph] | None
) -> tuple[Graph, str]:
    __tracebackhide__ = True
    outcome = comparison.judged(snapshot, first, rules)
    if options.updating(slot.item.config):
        return _updated(slot, rules, snapshot, outcome, again)
    graphs = [first]
    if again is not None:
        outcome = _until_it_matches(snapshot, outcome, rules, graphs, again)
    if outcome.passes:
        notes = (*outcome.renames, *set_aside("the {} call matches the snapshot", graphs[:-1], outcome.graph))
        slot.settle()
        slot.count(passes=True)
        slot.note("matched", notes=notes, case=slot.case("matched", outcome, snapshot))
        return outcome.graph, ""
    return drifted(slot, snapshot, outcome, is_steady=again is None or repeats(graphs))


def _until_it_matches(
    snapshot: Snapshot, outcome: Outcome, rules: Rules, graphs: list[Graph], again: Callable[[], Graph]
) -> Outcome:
    """The outcome of the first run that matches, or of the last one: that which repeats the one before, or a fourth.

    Every further run is added to *graphs*.
    """
    while not outcome.passes and len(graphs) < MOST_RUNS:
        graphs.append(again())
        if repeats(graphs):
            return outcome
        outcome = comparison.judged(snapshot, graphs[-1], rules)
    return outcome


def drifted(slot: Slot, snapshot: Snapshot, outcome: Outcome, *, is_steady: bool) -> tuple[Graph, str]:
    """The graph, which is not that of *snapshot*, and the report; outside CI it waits for review if it repeats."""
    __tracebackhide__ = True
    slot.count(passes=False)
    verdict, environment = outcome.verdict, outcome.comparison.environment
    case = slot.case("drifted", outcome, snapshot)
    slot.note("drifted", verdict.headline, changes=outcome.changes, environment=environment, case=case)
    report = comparison.drift_report(outcome, slot.address.test, slot.accept, slot.item.config)
    if not slot.is_variant and variants.differing(snapshot, outcome.graph):
        report += f"\n  for this environment alone: {slot.command('--torchgraph-update=variant')}"
    if pending.is_wanted(slot.item.config) and is_steady:
        fault = pending.keep(slot.address, outcome)
        if fault:
            return outcome.graph, f"{report}\n{fault}"
        slot.note("waiting")
        report += f"\n  accept without another run: {slot.accept_at_once}"
    return outcome.graph, report


def _updated(
    slot: Slot, rules: Rules, snapshot: Snapshot, outcome: Outcome, again: Callable[[], Graph] | None
) -> tuple[Graph, str]:
    notes: tuple[str, ...] = ()
    if not outcome.passes:
        try:
            steady = settle(outcome.graph, again)
        except DoesNotRepeat as unsteady:
            return outcome.graph, refused(slot, unsteady)
        outcome, notes = comparison.judged(snapshot, steady.graph, rules), steady.notes
    stands = outcome.passes and not outcome.renames and snapshot.test == slot.address.test
    if stands and snapshot.is_current:
        slot.settle()
        slot.count(passes=True)
        slot.note("unchanged", notes=notes, case=slot.case("unchanged", outcome, snapshot))
        return outcome.graph, ""
    case = slot.case("updated", outcome, snapshot)
    moved = f"format {snapshot.version}, the graph is the same" if stands else outcome.moved
    return write(slot, Steady(outcome.graph, notes), "updated", moved, case)


def _recorded(slot: Slot, first: Graph, again: Callable[[], Graph] | None, what: What) -> tuple[Graph, str]:
    try:
        steady = settle(first, again)
    except DoesNotRepeat as unsteady:
        return first, refused(slot, unsteady)
    repaired = ", the file could not be read" if what == "updated" else ""
    found = same_test_elsewhere(slot.item, slot.address.path.name)
    if found is not None and what == "recorded":
        root, path = (label(each, slot.item.config.rootpath) for each in found)
        note = f"a second snapshot of this test: {path} was recorded under the root directory {root}"
        steady = replace(steady, notes=(*steady.notes, note))
    return write(slot, steady, what, comparison.size_of(steady.graph) + repaired)


def write(slot: Slot, steady: Steady, what: What, moved: str, case: str = "") -> tuple[Graph, str]:
    """Write the snapshot, and say what *moved*."""
    text = comparison.text_of(steady.graph, slot.address.test)
    try:
        slot.write(text)
    except OSError as error:
        slot.note("refused", f"cannot be written ({error.strerror})")
        return steady.graph, (
            f"torchgraph: {slot.address.label} cannot be written: {error.strerror}\n"
            f"  Nothing was recorded. {_remedy(error)}, or choose another folder with the ini setting\n"
            f"  torchgraph_snapshot_dir, then:\n  accept: {slot.accept}"
        )
    slot.settle()
    slot.note(what, moved, body=body_digest(text), notes=steady.notes, case=case)
    return steady.graph, ""


def _remedy(error: OSError) -> str:
    in_the_way = isinstance(error, (IsADirectoryError, NotADirectoryError, FileExistsError)) or error.errno == ELOOP
    return "Remove what lies in its place" if in_the_way else "Make the folder writable"


def refused(slot: Slot, unsteady: DoesNotRepeat) -> str:
    """The report of a model that does not repeat."""
    first_change = comparison.first_change(unsteady.before, unsteady.after)
    slot.note("refused", f"the model does not repeat: {first_change}")
    return (
        f"torchgraph: {slot.address.test} was not recorded: the model does other work on each call\n"
        f"  of {unsteady.runs} calls, no two in a row are equal; the last two differ first in: {first_change}\n"
        "  Make the model and its inputs repeat (a cache that grows, a counter, a draw from its own generator),\n"
        "  or fix which call is recorded with check(..., warmup=n). Nothing was written. Then:\n"
        f"  accept: {slot.accept}"
    )


def nothing_stored(slot: Slot, graph: Graph, fault: str) -> str:
    """The report of a snapshot that is not there, or has a *fault*."""
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
    found = same_test_elsewhere(slot.item, slot.address.path.name)
    if found is not None:
        return _recorded_elsewhere(slot, *found)
    return (
        f"torchgraph: {slot.address.test} has no snapshot\n"
        f"  {slot.address.label} does not exist; the model runs {comparison.size_of(graph)}.\n"
        f"  Record it, look at the file, and commit it.\n  accept: {slot.accept}"
    )


def _recorded_elsewhere(slot: Slot, root: Path, path: Path) -> str:
    """The report of a snapshot that lies under another root directory, where an update would not find it."""
    config = slot.item.config
    here = config.invocation_params.dir
    test = from_here(slot.address.test, config)
    return (
        f"torchgraph: {slot.address.test} has no snapshot\n"
        f"  {slot.address.label} does not exist under the root directory of this run, {config.rootpath};\n"
        f"  {label(path, here)} does: it was recorded under {root}.\n"
        f"  An update here would make a second set. Run pytest there, or give the root directory:\n"
        f"  compare: {shlex.join(['pytest', test, '--rootdir', label(root, here)])}"
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
