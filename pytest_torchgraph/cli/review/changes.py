"""What waits for review, change by change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.files.snapshots import load, parsed
from pytest_torchgraph.cli.judgement import same_modules
from pytest_torchgraph.cli.review import settling
from pytest_torchgraph.cli.review.waiting import Waiting, gone, orphan_text, reread
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.pending import WaitingChange
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable, printable_lines

PLACES = 3
"""Places told of one change in a list."""
ALL_PLACES = 20
"""Places told of one change that is asked about."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A change that waits, as the first of *files* tells it, and all the files that wait with it."""

    change: WaitingChange
    files: tuple[Waiting, ...]

    @property
    def fingerprint(self) -> str:
        """What ``--change`` is given to accept it."""
        return self.change.fingerprint


def entries(waiting: Iterable[Waiting], chosen: frozenset[str] | None = None) -> list[Entry]:
    """The open changes, or those of them that are *chosen*; those of most snapshots first."""
    files: dict[str, list[Waiting]] = {}
    first: dict[str, WaitingChange] = {}
    for each in waiting:
        for change in each.pending.open:
            if chosen is None or change.fingerprint in chosen:
                files.setdefault(change.fingerprint, []).append(each)
                first.setdefault(change.fingerprint, change)
    found = [Entry(first[name], tuple(holding)) for name, holding in files.items()]
    return sorted(found, key=lambda entry: -len(entry.files))


def lines(entry: Entry, *, in_full: bool) -> Iterator[str]:
    """The change, where it was made and its likely cause; *in_full* with more places and what its test costs."""
    change, pending = entry.change, entry.files[0].pending
    most = ALL_PLACES if in_full else PLACES
    yield f"change {change.fingerprint}: {times(len(entry.files), 'test')}, {change.title}"
    yield f"  {'in' if len(entry.files) == 1 else 'for example'} {pending.test}"
    yield from (f"    {place}" for place in change.places[:most])
    if len(change.places) > most:
        yield f"    and {times(len(change.places) - most, 'more place')}"
    if change.hint:
        yield f"  hint: {change.hint}"
    if in_full and pending.cost and not pending.accepted:
        others = len(pending.changes) - 1
        together = f"with its {times(others, 'other change')}, " if others else ""
        yield f"  cost: {together}{pending.cost}"


def summary(waiting: list[Waiting], found: list[Entry]) -> str:
    """``12 snapshots wait for review, with 3 changes (1 more is accepted)``."""
    waits = "waits" if len(waiting) == 1 else "wait"
    done = len({name for each in waiting for name in each.pending.accepted} - {entry.fingerprint for entry in found})
    accepted = f" ({done} more {'is' if done == 1 else 'are'} accepted)" if done else ""
    return f"{times(len(waiting), 'snapshot')} {waits} for review, with {times(len(found), 'change')}{accepted}"


def orphans(waiting: Iterable[Waiting]) -> Iterator[str]:
    """One line for each of those that wait for a test that is gone, with what drops it."""
    for each in waiting:
        if why := gone(each):
            yield orphan_text(each, why)


def whole_diff(files: Sequence[Waiting], number: int, *, colour: bool) -> str:
    """What one of *files* would change, every operation of it; *number* counts on from the last to the first again."""
    at = number % len(files)
    each = files[at]
    which = f" ({at + 1} of {len(files)})" if len(files) > 1 else ""
    try:
        told = explained(each, colour=colour)
    except Wrong as error:
        told = printable_lines(str(error))
    return f"{printable(str(each.snapshot))}{which}\n{told}\n"


def explained(waiting: Waiting, *, colour: bool) -> str:
    """The report, as long as it can be, of how the snapshot differs from what waits."""
    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.report.terminal import render

    _, before = load(str(waiting.snapshot))
    after = parsed(waiting.pending.text, f"{waiting.path}, the snapshot in it")
    same = same_modules(waiting.snapshot.parent)
    comparison = Comparison.of(before.program, after.program, (before.recorded, after.recorded), same=same)
    return render(comparison.outline(waiting.pending.test), verbosity=2, colour=colour)


def done(answer: str, answered: list[Entry]) -> str:
    """Accept or reject what was *answered*; what could not be is said, and the review goes on."""
    chosen = frozenset(entry.fingerprint for entry in answered)
    try:
        files = reread({each.path: each for entry in answered for each in entry.files}.values())
    except Wrong as error:
        return f"{error}\n"
    if answer == "r":
        done, faults = settling.rejected(files, chosen)
        return done + "".join(f"{fault}\n" for fault in faults)
    done, _, faults = settling.accepted(files, chosen)
    named = [] if faults else [f"accepted change {entry.fingerprint}\n" for entry in answered]
    return "".join([*named, done, *(f"{fault}\n" for fault in faults)])
