"""What a check comes to, and what is done about it: files written, counted, kept for review, and the report."""

from __future__ import annotations

import shlex
from errno import EDQUOT, ELOOP, ENOSPC
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_torchgraph.plugin.check import case, comparison, storage, stored
from pytest_torchgraph.plugin.location import from_here, label, same_test_elsewhere
from pytest_torchgraph.plugin.session import events
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.owner import body_digest
from pytest_torchgraph.snapshot.pending import drop, pending_path, read_pending, write_pending
from pytest_torchgraph.words.closed import assert_never

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.check.comparison import Outcome
    from pytest_torchgraph.plugin.check.slot import Slot
    from pytest_torchgraph.plugin.check.steady import DoesNotRepeat
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.snapshot.pending import Pending
    from pytest_torchgraph.words import status


@dataclass(frozen=True, slots=True)
class Same:
    """The snapshot stands; ``outcome`` is absent where no report tells of the comparison."""

    slot: Slot
    graph: Graph
    notes: tuple[str, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The snapshot is to be written; ``moved`` says what of it moved."""

    slot: Slot
    graph: Graph
    what: status.Written
    moved: str
    notes: tuple[str, ...] = ()
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Superfluous:
    """The variant at ``slot`` says what its base says, too."""

    slot: Slot
    graph: Graph


@dataclass(frozen=True, slots=True)
class Drift:
    """The graph, which repeats where it ``is_steady``, is another than the snapshot's; ``remark`` ends the report."""

    slot: Slot
    outcome: Outcome
    is_steady: bool
    remark: str = ""

    @property
    def graph(self) -> Graph:
        """The graph that drifted."""
        return self.outcome.graph


@dataclass(frozen=True, slots=True)
class Unsteady:
    """The model does other work on each call, so that nothing can be recorded."""

    slot: Slot
    graph: Graph
    runs: DoesNotRepeat


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no snapshot, or the file has a ``fault``."""

    slot: Slot
    graph: Graph
    fault: str


@dataclass(frozen=True, slots=True)
class OtherKind:
    """A fake run that meets the snapshot of a real one, or the other way round: nothing is compared unasked."""

    slot: Slot
    graph: Graph


@dataclass(frozen=True, slots=True)
class Mistyped:
    """A name that the check was to ignore is in neither graph."""

    slot: Slot
    graph: Graph
    fault: str


Stored: TypeAlias = "Same | Written | Superfluous"
"""What a check comes to that leaves a snapshot of this graph, unless a file cannot be written or removed."""
Failed: TypeAlias = "Drift | Unsteady | Absent | OtherKind | Mistyped"
Ending: TypeAlias = "Stored | Failed"


def end(ending: Ending) -> tuple[Graph, str]:
    """Do what *ending* asks for: the graph that stands and, when the test must fail, the report."""
    match ending:
        case Same() | Written() | Superfluous():
            return ending.graph, _stored(ending)
        case _:
            return ending.graph, _failed(ending)


def _stored(ending: Stored) -> str:
    match ending:
        case Same():
            return _kept(ending)
        case Written():
            return _written(ending)
        case Superfluous():
            return _removed(ending)
        case _:
            assert_never(ending)


def _failed(ending: Failed) -> str:
    match ending:
        case Drift():
            return _drifted(ending)
        case Unsteady():
            return _refused(ending)
        case Absent():
            return _missing(ending)
        case OtherKind():
            return _not_compared(ending)
        case Mistyped(slot, _, fault):
            return f"{slot.base.test}: {fault}"
        case _:
            assert_never(ending)


def _not_compared(ending: OtherKind) -> str:
    slot = ending.slot
    storage.count(slot, passes=False)
    ran, stored = ("fake", "real") if ending.graph.origin.fake else ("real", "fake")
    events.note(*slot.where, "refused", text=f"a {ran} run, and the snapshot is of a {stored} one")
    return (
        f"torchgraph: {slot.base.test} was not compared: this is a {ran} run, and its snapshot is of a {stored} one\n"
        f"  {slot.address.label} was recorded {'with' if stored == 'fake' else 'without'} fake=True, and a library may "
        "compute fake tensors otherwise.\n"
        "  Give one of two checks of a test a name of its own, check(..., name='fake'). To replace the file:\n"
        f"  accept: {slot.accept}"
    )


def _kept(same: Same) -> str:
    slot = same.slot
    _settle(slot)
    storage.count(slot, passes=True)
    told = _told(same, same.outcome) if same.outcome and slot.settings.telling_unchanged else ""
    events.note(*slot.where, "same", notes=same.notes, case=told)
    return ""


def _told(same: Same, outcome: Outcome) -> str:
    """What a report tells of a snapshot that stands."""
    if outcome.is_equal:
        return case.unchanged(same.slot, outcome.snapshot, same.graph)
    became: Literal["same"] | None = "same" if same.slot.settings.rewriting else None
    return case.compared(same.slot, outcome, became)


def _settle(slot: Slot) -> None:
    """Remove what waits for review here, and for the base that a variant was made of."""
    for path in {slot.address.path, slot.base.path}:
        drop(path)


def _written(written: Written) -> str:
    slot = written.slot
    told = case.compared(slot, written.outcome, written.what) if written.outcome and slot.settings.reporting else ""
    text = comparison.text_of(written.graph, slot.base.test)
    try:
        storage.write(slot, text)
    except OSError as error:
        events.note(*slot.where, "refused", text=f"cannot be written ({error.strerror})")
        return (
            f"torchgraph: {slot.address.label} cannot be written: {error.strerror}\n"
            f"  Nothing was recorded. {_remedy(error)}, or choose another folder with the ini setting\n"
            f"  torchgraph_snapshot_dir, then:\n  accept: {slot.accept}"
        )
    _settle(slot)
    body = body_digest(text)
    events.note(*slot.where, written.what, text=written.moved, body=body, notes=written.notes, case=told)
    return ""


def _remedy(error: OSError) -> str:
    in_the_way = isinstance(error, (IsADirectoryError, NotADirectoryError, FileExistsError)) or error.errno == ELOOP
    if in_the_way:
        return "Remove what lies in its place"
    return "Make room on the disk" if error.errno in {ENOSPC, EDQUOT} else "Make the folder writable"


def _removed(superfluous: Superfluous) -> str:
    slot = superfluous.slot
    storage.count(slot, passes=True)
    try:
        slot.address.path.unlink()
    except OSError as error:
        events.note(*slot.where, "refused", text=f"cannot be removed ({error.strerror})")
        return f"torchgraph: {slot.address.label} equals the base and cannot be removed: {error.strerror}"
    drop(slot.address.path)
    events.note(*slot.where, "updated", text="removed, the base says the same")
    return ""


def _drifted(drift: Drift) -> str:
    """The report; outside CI what drifted waits for review if it repeats."""
    slot, outcome = drift.slot, drift.outcome
    accept = slot.accept
    told = case.compared(slot, outcome, accept=accept) if slot.settings.reporting else ""
    headline, changes, environment = outcome.verdict.headline, outcome.changes, outcome.comparison.environment
    report = [comparison.drift_report(outcome, slot.base.test, accept, slot.item.config)]
    waits = slot.settings.keeping and drift.is_steady
    text = comparison.text_of(outcome.graph, slot.base.test) if waits else ""
    if not slot.is_variant and stored.differing(outcome.snapshot, outcome.graph):
        report.append(f"  for this environment alone: {slot.command('--torchgraph-update=variant')}")
    storage.count(slot, passes=False)
    events.note(*slot.where, "drift", text=headline, changes=changes, environment=environment, case=told)
    if waits:
        fault = _kept_for_review(slot.address, outcome, text)
        report.append(fault or f"  accept without another run: {slot.accept_at_once}")
        if not fault:
            events.note(*slot.where, "waiting")
    return "\n".join(filter(None, [*report, drift.remark]))


def _kept_for_review(address: Address, outcome: Outcome, text: str) -> str:
    """Write what waits for review, *text* in the end; returns why that was impossible, nothing otherwise."""
    from pytest_torchgraph.report.review import waiting
    from pytest_torchgraph.snapshot.saving import write_whole

    path = pending_path(address.path)
    try:
        found = waiting(outcome.comparison, test=address.test, before=address.path.read_bytes(), text=text)
        write_whole(path, write_pending(_still_accepted(found, path)))
    except OSError as error:
        return f"  not kept for review: {address.label}{path.suffix} cannot be written: {error.strerror}"
    return ""


def _still_accepted(pending: Pending, path: Path) -> Pending:
    """*pending* with what a reviewer has accepted already, where the snapshot is still the same."""
    from pytest_torchgraph.snapshot.errors import SnapshotUnreadable

    try:
        earlier = read_pending(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, SnapshotUnreadable):
        return pending
    return pending.accepting(frozenset(earlier.accepted)) if earlier.before == pending.before else pending


def _refused(unsteady: Unsteady) -> str:
    slot, runs = unsteady.slot, unsteady.runs
    first_change = comparison.first_change(runs.before, runs.after)
    events.note(*slot.where, "refused", text=f"the model does not repeat: {first_change}")
    return (
        f"torchgraph: {slot.base.test} was not recorded: the model does other work on each call\n"
        f"  of {runs.runs} calls, no two in a row are equal; the last two differ first in: {first_change}\n"
        "  Make the model and its inputs repeat (a cache that grows, a counter, a draw from its own generator),\n"
        "  or fix which call is recorded with check(..., warmup=n). Nothing was written. Then:\n"
        f"  accept: {slot.accept}"
    )


def _missing(absent: Absent) -> str:
    slot, graph, fault = absent.slot, absent.graph, absent.fault
    storage.count(slot, passes=False)
    if fault:
        events.note(
            slot.item, slot.address, "unreadable", text=fault.splitlines()[0].removeprefix(f"{slot.address.label}:")
        )
        told = "\n".join(f"  {line}" for line in fault.splitlines())
        return f"torchgraph: the snapshot of {slot.base.test} cannot be read\n{told}\n  accept: {slot.accept}"
    runs = f"the model runs {comparison.size_of(graph)}"
    body = body_digest(comparison.text_of(graph, slot.base.test))
    events.note(*slot.where, "missing", text=runs, body=body)
    found = same_test_elsewhere(slot.item, slot.address.path.name)
    if found is not None:
        return _recorded_elsewhere(slot, *found)
    return (
        f"torchgraph: {slot.base.test} has no snapshot\n"
        f"  {slot.address.label} does not exist; {runs}.\n"
        f"  Record it, look at the file, and commit it.\n  accept: {slot.accept}"
    )


def _recorded_elsewhere(slot: Slot, root: Path, path: Path) -> str:
    """The report of a snapshot that lies under another root directory, where an update would not find it."""
    config = slot.item.config
    here = config.invocation_params.dir
    test = from_here(slot.base.test, config)
    return (
        f"torchgraph: {slot.base.test} has no snapshot\n"
        f"  {slot.address.label} does not exist under the root directory of this run, {config.rootpath};\n"
        f"  {label(path, here)} does: it was recorded under {root}.\n"
        f"  An update here would make a second set. Run pytest there, or give the root directory:\n"
        f"  compare: {shlex.join(['pytest', test, '--rootdir', label(root, here)])}"
    )
