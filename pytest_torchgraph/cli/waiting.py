"""Snapshots that wait for review: found, chosen, accepted, rejected."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.snapshots import read_text, save
from pytest_torchgraph.graph.counting import times
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
from pytest_torchgraph.snapshot.pending import SUFFIX, Pending, digest, read_pending, write_pending

if TYPE_CHECKING:
    import argparse

ENDING = f".torchgraph{SUFFIX}"
PASSED_OVER = frozenset({"node_modules", "__pycache__"})
NAMED = 8
"""Changes or files named in a command that takes the rest."""
LISTED = 10
"""Files named of one kind; of more, the number."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One file that waits for review."""

    path: Path
    pending: Pending

    @property
    def snapshot(self) -> Path:
        """The snapshot that it would replace."""
        return self.path.with_name(self.path.name.removesuffix(SUFFIX))


def add_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    """The arguments that choose what waits."""
    parser.add_argument("paths", metavar="PATH", nargs="*", help="snapshot files and folders; default: all below here")
    parser.add_argument(
        "--change", action="append", default=[], metavar="ID", help=f"{verb} this change only, wherever it was made"
    )


def found(paths: list[str]) -> list[Waiting]:
    """What waits at *paths*, or below the current folder."""
    named = [path for given in paths or ["."] for path in _below(given, is_chosen=bool(paths))]
    return [Waiting(path, _read(path)) for path in dict.fromkeys(named)]


def reread(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Those that still wait, as they lie now."""
    return [Waiting(each.path, _read(each.path)) for each in waiting if each.path.exists()]


def _below(given: str, *, is_chosen: bool) -> list[Path]:
    path = Path(given)
    if path.is_dir():
        files = sorted(files_below(path, ENDING))
    else:
        file = path if given.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)
        files = [file] if file.is_file() else []
    if is_chosen and not files:
        what = "nothing there waits for review" if path.exists() else "there is no such file or folder"
        raise Wrong(f"{given}: {what}. torchgraph review --list shows what does.")
    return files


def files_below(folder: Path, *endings: str) -> Iterator[Path]:
    """The files whose names end in one of *endings*, but for those in hidden folders and in :data:`PASSED_OVER`."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in PASSED_OVER]
        yield from (Path(at, name) for name in names if name.endswith(endings))


def _read(path: Path) -> Pending:
    try:
        return read_pending(read_text(str(path)), str(path))
    except SnapshotUnreadable as error:
        raise Wrong(str(error)) from None


def fingerprints(waiting: Iterable[Waiting], given: list[str]) -> frozenset[str]:
    """The full fingerprints of changes that begin as *given* says."""
    known = {change.fingerprint for each in waiting for change in each.pending.changes}
    return frozenset(_full(prefix, known) for prefix in given)


def _full(prefix: str, known: set[str]) -> str:
    fitting = sorted(name for name in known if prefix and name.startswith(prefix.lower()))
    if len(fitting) == 1 or prefix in known:
        return prefix if prefix in known else fitting[0]
    if fitting:
        raise Wrong(f"change {prefix} could be any of {', '.join(fitting)}: give more of it.")
    waits = f"changes that wait: {', '.join(sorted(known))}" if known else "nothing waits for review"
    raise Wrong(f"no snapshot waits with a change {prefix!r}; {waits}.")


def taken(waiting: Waiting, chosen: frozenset[str] | None) -> frozenset[str]:
    """Those of its changes that are *chosen*: all, where nothing was."""
    mine = frozenset(change.fingerprint for change in waiting.pending.changes)
    return mine if chosen is None else mine & chosen


def accept(waiting: list[Waiting], chosen: frozenset[str] | None = None) -> str:
    """Accept all changes, or those *chosen*; says what was done, and what is left to do.

    Raises ``Wrong`` after all that can be done was.
    """
    told, left = accepted(waiting, chosen)
    return told + _rest([each for each in waiting if taken(each, chosen)], left)


def accepted(waiting: list[Waiting], chosen: frozenset[str] | None = None) -> tuple[str, list[Waiting]]:
    """What was done, and what goes on waiting; a file of which every change is accepted replaces its snapshot."""
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
    return _ended([_told("accepted", done)], faults), left


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
    current = waiting.snapshot.read_bytes() if waiting.snapshot.is_file() else b""
    if digest(current) != waiting.pending.before:
        raise Wrong(f"{waiting.snapshot} has changed since its test ran: run the test again.")
    if waiting.pending.open:
        save(waiting.path, write_pending(waiting.pending))
        return True
    save(waiting.snapshot, waiting.pending.text)
    _remove(waiting.path)
    return False


def reject(waiting: list[Waiting], chosen: frozenset[str] | None = None) -> str:
    """Drop what waits with any change, or any of those *chosen*; the snapshots stay as they are."""
    done: list[Waiting] = []
    faults: list[str] = []
    for each in waiting:
        if taken(each, chosen):
            try:
                _remove(each.path)
                done.append(each)
            except Wrong as error:
                faults.append(str(error))
    return _ended([_told("rejected", [each.snapshot for each in done]), _with_them(done, chosen)], faults)


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


def environments(waiting: Iterable[Waiting]) -> list[str]:
    """One line for each difference between the machines of the snapshots and those of the runs."""
    counts = Counter(line for each in waiting for line in each.pending.environment)
    return [f"environment: {line} ({count} of the snapshots)" for line, count in counts.items()]
