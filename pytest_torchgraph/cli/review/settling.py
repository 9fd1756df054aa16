"""What waits for review, accepted or rejected."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.files.snapshots import parsed, save
from pytest_torchgraph.cli.review.waiting import Found, Waiting, drop, snapshot_of, taken
from pytest_torchgraph.snapshot.pending import SUFFIX, digest, write_pending
from pytest_torchgraph.words.counting import times

NAMED = 8
"""Changes or files named in a command that takes the rest."""
LISTED = 10
"""Files named of one kind; of more, the number."""


def accept(found: Found, chosen: frozenset[str] | None = None) -> str:
    """Accept all changes, or those *chosen*; says what was done, and what is left to do.

    Raises ``Wrong`` after all that can be done was.
    """
    told, left, faults = accepted(found.waiting, chosen)
    rest = _rest([each for each in found.waiting if taken(each, chosen)], left)
    return _ended([told, rest], [*faults, *found.faults])


def accepted(waiting: list[Waiting], chosen: frozenset[str] | None = None) -> tuple[str, list[Waiting], list[str]]:
    """What was done, what goes on waiting, and what could not be done.

    A file of which every change is accepted replaces its snapshot.
    """
    done: list[Path] = []
    left: list[Waiting] = []
    faults: list[str] = []
    for each in waiting:
        if mine := taken(each, chosen):
            after = Waiting(each.path, each.pending.accepting(mine))
            try:
                if _advanced(after):
                    left.append(after)
                else:
                    done.append(after.snapshot)
            except Wrong as error:
                faults.append(str(error))
    return _told("accepted", done), left, faults


def _rest(touched: list[Waiting], left: list[Waiting]) -> str:
    """``1 of 9 changes accepted; 8 wait: fix them ... or accept the rest ...``; empty where nothing is *left*."""
    if not left:
        return ""
    known = {change.fingerprint for each in touched for change in each.pending.changes}
    open_ = dict.fromkeys(change.fingerprint for each in left for change in each.pending.open)
    snapshots = str(left[0].snapshot) if len(left) == 1 else f"{len(left)} snapshots"
    waits = f"{len(open_)} wait{'s' * (len(open_) == 1)} in {snapshots}"
    fix = f"fix {'it' if len(open_) == 1 else 'them'} and run the test{'s' * (len(left) > 1)} again, or accept the rest"
    then = f"{fix}: {command(open_)}" if len(open_) <= NAMED else "torchgraph review --list shows them"
    return f"{len(known) - len(open_)} of {times(len(known), 'change')} accepted; {waits}: {then}\n"


def command(chosen: Iterable[str]) -> str:
    """What accepts the changes that are *chosen*, wherever they were made."""
    return " ".join(["torchgraph accept", *(f"--change {name}" for name in chosen)])


def settled_text(waiting: list[Waiting], given: list[str]) -> str:
    """Those that wait with accepted changes only, and what applies them; empty where none does.

    A test that runs again without one of its changes leaves such a file. *given* are the paths that chose *waiting*.
    """
    settled = [each for each in waiting if not each.pending.open]
    if not settled:
        return ""
    them, what = ("it", "snapshot waits") if len(settled) == 1 else ("them", "snapshots wait")
    return f"{len(settled)} {what} with accepted changes only; apply {them}: {_applying(settled, waiting, given)}"


def _applying(settled: list[Waiting], waiting: list[Waiting], given: list[str]) -> str:
    """The command that takes the *settled* of *waiting*, and no other."""
    if len(settled) > NAMED and len(settled) < len(waiting):
        return command(dict.fromkeys(change.fingerprint for each in settled for change in each.pending.changes))
    paths = given if len(settled) == len(waiting) else [str(each.snapshot) for each in settled]
    return shlex.join(["torchgraph", "accept", *paths])


def _advanced(waiting: Waiting) -> bool:
    """Write what is accepted; whether the file still waits."""
    _require_same(waiting)
    if waiting.pending.open:
        save(waiting.path, write_pending(waiting.pending))
        return True
    _require_whole(waiting)
    save(waiting.snapshot, waiting.pending.text)
    _remove(waiting.path)
    return False


def _require_same(waiting: Waiting) -> None:
    """Refuse to replace what is not the snapshot that the run was compared with."""
    snapshot = waiting.snapshot
    if not snapshot.is_file():
        raise Wrong(f"{snapshot} is gone since its test ran: run the test again, or drop what waits: {drop(waiting)}")
    try:
        current = snapshot.read_bytes()
    except OSError as error:
        raise Wrong(f"{snapshot} cannot be read: {error.strerror}.") from None
    if digest(current) != waiting.pending.before:
        raise Wrong(
            f"{snapshot} has changed since its test ran: run the test again, or drop what waits: {drop(waiting)}"
        )


def _require_whole(waiting: Waiting) -> None:
    """Refuse to replace a snapshot by a text that cannot be read as one."""
    try:
        parsed(waiting.pending.text, f"{waiting.path}, the snapshot in it")
    except Wrong as error:
        what = str(error).partition("\n")[0]
        raise Wrong(
            f"{what}. {waiting.snapshot} stays as it is: run its test again, or drop what waits: {drop(waiting)}"
        ) from None


def reject(found: Found, chosen: frozenset[str] | None, given: list[str]) -> str:
    """Drop what waits with any change, or any of those *chosen*; the snapshots stay as they are.

    What cannot be read is dropped where one of the *given* paths names the very file. Raises ``Wrong`` after all that
    can be done was.
    """
    dropped = [each for each in found.unreadable if chosen is None and any(_names(name, each.path) for name in given)]
    told, faults = rejected(found.waiting, chosen)
    gone, others = _removed([each.path for each in dropped])
    kept = [each.why for each in found.unreadable if each not in dropped]
    return _ended([told, _told("rejected", list(map(snapshot_of, gone)))], [*faults, *others, *kept])


def _names(given: str, file: Path) -> bool:
    """Whether *given* names *file* itself and no folder around it."""
    name = Path(given).name
    return file.name in (name, name + SUFFIX)


def rejected(waiting: list[Waiting], chosen: frozenset[str] | None = None) -> tuple[str, list[str]]:
    """What was dropped, and what could not be."""
    hit = {each.path: each for each in waiting if taken(each, chosen)}
    gone, faults = _removed(hit)
    done = [hit[path] for path in gone]
    return _told("rejected", [each.snapshot for each in done]) + _with_them(done, chosen), faults


def _removed(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    done, faults = list[Path](), list[str]()
    for path in paths:
        try:
            _remove(path)
            done.append(path)
        except Wrong as error:
            faults.append(str(error))
    return done, faults


def _with_them(done: list[Waiting], chosen: frozenset[str] | None) -> str:
    """What went with the changes that were rejected: a file is one run, which goes as a whole."""
    others = {c.fingerprint for each in done for c in each.pending.changes if c.fingerprint not in taken(each, chosen)}
    if not others:
        return ""
    waits = f"which wait{'s' * (len(others) == 1)} again once the tests have run"
    return f"with {times(len(others), 'other change')}, {waits}\n"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Wrong(f"{path} cannot be removed: {error.strerror}.") from None


def _told(word: str, paths: list[Path]) -> str:
    if not paths:
        return ""
    named = [f"{word} {path}\n" for path in paths[:LISTED]]
    rest = len(paths) - LISTED
    return "".join(named) + (f"{word} {rest} more, {len(paths)} in all\n" if rest > 0 else "")


def _ended(told: list[str], faults: list[str]) -> str:
    if faults:
        rest = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Wrong("".join(told) + faults[0] + rest)
    return "".join(told)
