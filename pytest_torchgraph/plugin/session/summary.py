"""The section that pytest prints at the end: what drifted, what was written, what is unused.

What is to be said is known at the end of the session, whether or not the terminal gets a summary.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_torchgraph.plugin.session import reports, unclaimed
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable
from pytest_torchgraph.words.status import SPOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_torchgraph.plugin.session.events import Event, Ledger, Unused
    from pytest_torchgraph.words.status import Status

Line: TypeAlias = tuple[str, dict[str, bool]]

RED, YELLOW, GREEN, PLAIN = {"red": True}, {"yellow": True}, {"green": True}, dict[str, bool]()
LISTED: dict[Status, dict[str, bool]] = {
    "budget": RED,
    "missing": RED,
    "unreadable": RED,
    "refused": RED,
    "recorded": GREEN,
    "updated": YELLOW,
}

SECTION = pytest.StashKey[list[Line]]()


def close(config: pytest.Config, ledger: Ledger) -> None:
    """Write the reports, and keep the section ``torchgraph``."""
    config.stash[SECTION] = _section(config, ledger)
    reports.write(config, ledger)


def _section(config: pytest.Config, ledger: Ledger) -> list[Line]:
    if not (any(ledger.events.values()) or ledger.unused or ledger.unclaimed):
        return []
    if config.get_verbosity() < 0:
        return in_one_line(ledger, updating=settings(config).rewriting)
    return lines(
        ledger,
        updating=settings(config).rewriting,
        removing=settings(config).updating,
        verbose=config.get_verbosity() > 0,
        prune=unclaimed.command(config) if ledger.unclaimed else "",
    )


def show(config: pytest.Config, reporter: Any) -> None:
    """Print the section, and which reports were written, through pytest's *reporter*; once."""
    section = config.stash.get(SECTION, None)
    if section is None or reporter is None:
        return
    del config.stash[SECTION]
    if section:
        _write(reporter, section)
    reports.tell(config, reporter)


def lines(
    ledger: Ledger, *, updating: bool = False, removing: bool = False, verbose: bool = False, prune: str = ""
) -> list[Line]:
    """The section's lines with their colours; empty when there is nothing that pytest has not said.

    What an *updating* run leaves as it is is counted. *prune* is the command for what was not claimed, which *verbose*
    names.
    """
    events = [event for of_test in ledger.events.values() for event in of_test]
    shown = [
        *_over_budget(events),
        *_environments(events),
        *_drifts(events),
        *_listed(events),
        *_notes(events),
        *_verified(events),
        *_unused(ledger.unused, removing=removing),
        *_unclaimed(ledger.unclaimed, verbose=verbose, prune=prune),
    ]
    unchanged = sum(event.what == "same" for event in events) if updating else 0
    if unchanged and any(event.what in ("recorded", "updated") for event in events):
        shown.append((f"unchanged {unchanged} more", PLAIN))
    elif unchanged:
        shown.append((f"unchanged {unchanged}, nothing to update", PLAIN))
    return [*shown, *_waiting(events)]


def in_one_line(ledger: Ledger, *, updating: bool) -> list[Line]:
    """How many checks ended in each way that pytest has not said, for ``-q``; empty where there are none."""
    counts = Counter(event.what for of_test in ledger.events.values() for event in of_test)
    listed: tuple[Status, ...] = ("drift", *LISTED, *(("same",) if updating else ()))
    told = [f"{counts[status]} {SPOKEN[status].word}" for status in listed if counts[status]]
    removed = sum(found.removed for found in ledger.unused)
    kept = len(ledger.unused) - removed
    unused = ((removed, "removed"), (kept, "unused"), (len(ledger.unclaimed), "not claimed"))
    told += [f"{count} {word}" for count, word in unused if count]
    if not told:
        return []
    waits = f"; {counts['waiting']} to review: torchgraph review" if counts["waiting"] else ""
    fails = kept or counts["drift"] or any(counts[status] for status, colour in LISTED.items() if colour is RED)
    return [(f"torchgraph: {', '.join(told)}{waits}", RED if fails else PLAIN)]


def _environments(events: Iterable[Event]) -> Iterator[Line]:
    """What drifted snapshots were recorded with and run on now, where that differs."""
    found = Counter(line for event in events if event.what == "drift" for line in event.environment)
    for line, count in found.items():
        yield f"environment: {line} ({count} drifted)", YELLOW


def _waiting(events: Iterable[Event]) -> Iterator[Line]:
    count = sum(event.what == "waiting" for event in events)
    if count:
        yield f"{count} to review without another run: torchgraph review, accept or reject", PLAIN


def _drifts(events: Iterable[Event]) -> Iterator[Line]:
    """Drifts grouped by their changes, the most frequent first."""
    from pytest_torchgraph.report.outline import ids_text

    drifted = sorted(
        (event for event in events if event.what == "drift"), key=lambda event: (sorted(event.changes), event.test)
    )
    groups = [(change, list(group)) for change, group in groupby(drifted, key=lambda event: sorted(event.changes))]
    for _, group in sorted(groups, key=lambda pair: (-len(pair[1]), pair[0])):
        first, change = group[0], ids_text(group[0].changes)
        if len(group) == 1:
            yield f"drifted {first.path}: {first.text} (change {change})", RED
            continue
        yield f"change {change}: {len(group)} tests, for example {first.test}: {first.text}", RED
        yield from ((f"  drifted {event.path}", RED) for event in group)


def _over_budget(events: list[Event]) -> Iterator[Line]:
    """Broken budgets, which stand before all else: what an update wrote over its budget is not well."""
    yield from ((_listed_line(event), RED) for event in events if event.what == "budget")


def _listed(events: list[Event]) -> Iterator[Line]:
    """What else happened to one snapshot each; that one was written over its budget was told with the budget."""
    broken = {event.path for event in events if event.what == "budget"}
    for status, colour in LISTED.items():
        if status == "budget":
            continue
        told = (event for event in events if event.what == status)
        yield from ((_listed_line(event), colour) for event in told if colour is RED or event.path not in broken)


def _listed_line(event: Event) -> str:
    said = SPOKEN[event.status].word if event.status else event.what
    return f"{said} {event.path}" + (f": {event.text}" if event.text else "")


def _notes(events: Iterable[Event]) -> Iterator[Line]:
    """Each note once, however many snapshots it is about."""
    paths: dict[str, list[str]] = {}
    for event in events:
        for note in event.notes:
            paths.setdefault(note, []).append(event.path)
    for note, noted in paths.items():
        where = noted[0] if len(noted) == 1 else f"{len(noted)} snapshots, for example {noted[0]}"
        yield f"note {where}: {note}", PLAIN


def _verified(events: Iterable[Event]) -> Iterator[Line]:
    count = sum(event.what == "verified" for event in events)
    if count:
        tests = times(count, "test")
        yield f"verified {tests}: each recording was replayed, and gave the same bits", GREEN


def _unused(unused: Iterable[Unused], *, removing: bool) -> Iterator[Line]:
    kept = 0
    for found in unused:
        kept += not found.removed
        yield f"{'removed' if found.removed else 'unused'} {_with_owner(found)}", YELLOW
    if kept and not removing:
        yield "Unused snapshots are removed by a complete passing run: pytest --torchgraph-update", PLAIN


def _unclaimed(unclaimed: list[Unused], *, verbose: bool, prune: str) -> Iterator[Line]:
    """What no check asked for, of tests that may still be there: kept, and one line."""
    if verbose:
        yield from ((f"not claimed {_with_owner(found)}", PLAIN) for found in unclaimed)
    if unclaimed:
        count = times(len(unclaimed), "snapshot")
        told = [
            f"{count} {'was' if len(unclaimed) == 1 else 'were'} not claimed",
            *([] if verbose else [f"-v names {'it' if len(unclaimed) == 1 else 'them'}"]),
            prune,
        ]
        yield "; ".join(filter(None, told)), PLAIN


def _with_owner(found: Unused) -> str:
    hint = f", looks like a rename: {found.renamed_to} has the same graph" if found.renamed_to else ""
    return f"{found.path}: of {found.owner}{hint}"


def _write(reporter: Any, shown: list[Line]) -> None:
    """Print *shown* through pytest's reporter; one line needs no heading."""
    if reporter.config.get_verbosity() >= 0 and shown:
        reporter.write_sep("-", "torchgraph")
    for text, colour in shown:
        reporter.write_line(printable(text), **colour)
