"""What waits for review, change by change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_torchgraph.cli.waiting import Waiting
from pytest_torchgraph.snapshot.pending import WaitingChange

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Entry:
    """Changes that were made in just the same snapshots, to be reviewed as one; the first stands for them."""

    changes: tuple[WaitingChange, ...]
    files: tuple[Waiting, ...]

    @property
    def fingerprints(self) -> frozenset[str]:
        """Those of all its changes."""
        return frozenset(change.fingerprint for change in self.changes)

    @property
    def names(self) -> tuple[str, ...]:
        """What ``--change`` is given to accept it: the drift's own fingerprint where the entry is all there is."""
        drifts = {each.pending.drift for each in self.files}
        whole = all({change.fingerprint for change in each.pending.changes} == self.fingerprints for each in self.files)
        return tuple(drifts) if whole and len(drifts) == 1 else tuple(change.fingerprint for change in self.changes)


def entries(waiting: Iterable[Waiting]) -> list[Entry]:
    """The open changes, those of most snapshots first."""
    files: dict[str, list[Waiting]] = {}
    first: dict[str, WaitingChange] = {}
    for each in waiting:
        for change in each.pending.open:
            files.setdefault(change.fingerprint, []).append(each)
            first.setdefault(change.fingerprint, change)
    together: dict[tuple[str, ...], list[str]] = {}
    for known, holding in files.items():
        together.setdefault(tuple(str(each.path) for each in holding), []).append(known)
    found = [Entry(tuple(first[name] for name in names), tuple(files[names[0]])) for names in together.values()]
    return sorted(found, key=lambda entry: -len(entry.files))


def lines(entry: Entry, *, example: bool) -> Iterator[str]:
    """The change, its likely cause and where it was made; with *example*, one whole report."""
    leading, *others = entry.changes
    yield f"change {leading.fingerprint}: {_counted(len(entry.files), 'test')}, {leading.title}"
    if leading.hint:
        yield f"  hint: {leading.hint}"
    for change in others[:3]:
        yield f"  with {change.fingerprint}: {change.title}"
    if len(others) > 3:
        yield f"  with {len(others) - 3} more changes"
    shown = entry.files[0].pending
    first = next(change for change in shown.changes if change.fingerprint == leading.fingerprint)
    yield "  " + "  ".join(filter(None, (f"for example {shown.test}", first.place, first.source)))
    if example:
        yield from (INDENT + line for line in shown.report.splitlines())


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def summary(waiting: list[Waiting], found: list[Entry]) -> str:
    """``12 snapshots wait for review, with 3 changes``."""
    waits = "waits" if len(waiting) == 1 else "wait"
    return f"{_counted(len(waiting), 'snapshot')} {waits} for review, with {_counted(len(found), 'change')}"
