"""Snapshots that wait for review: found, chosen, and whether their tests are still there."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.files.rootdir import root_of, snapshot_folder
from pytest_torchgraph.cli.files.searching import files_below, from_root, near, project_files
from pytest_torchgraph.cli.files.snapshots import read_text
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
from pytest_torchgraph.snapshot.owner import Owner
from pytest_torchgraph.snapshot.pending import SUFFIX, Pending, pending_path, read_pending
from pytest_torchgraph.snapshot.standing import missing

if TYPE_CHECKING:
    import argparse

ENDING = f".torchgraph{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One file that waits for review."""

    path: Path
    pending: Pending

    @property
    def snapshot(self) -> Path:
        """The snapshot that it would replace."""
        return snapshot_of(self.path)


def nothing_text() -> str:
    """That nothing waits, and where it was looked for."""
    root = root_of(Path.cwd())
    return f"nothing waits for review below {'this folder' if root == Path.cwd() else root}\n"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is named like one that waits, and why it cannot be read as one."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """What waits, and what is only named so."""

    waiting: list[Waiting]
    unreadable: list[Unreadable]

    @property
    def faults(self) -> list[str]:
        """Why each of the unreadable cannot be read."""
        return [each.why for each in self.unreadable]

    def chosen(self, changes: list[str]) -> frozenset[str] | None:
        """The full fingerprints of the *changes* that were asked for; ``None`` where none was."""
        if changes and self.faults and not self.waiting:
            raise Wrong(self.faults[0])
        return fingerprints(self.waiting, changes) if changes else None


def snapshot_of(path: Path) -> Path:
    """The snapshot for which the file at *path* waits."""
    return path.with_name(path.name.removesuffix(SUFFIX))


def add_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    """The arguments that choose what waits."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="snapshot files and folders; default: all of this project"
    )
    parser.add_argument(
        "--change", action="append", default=[], metavar="ID", help=f"{verb} this change only, wherever it was made"
    )
    parser.add_argument("--all", action="store_true", help="look in all projects of the git repository")


def found(arguments: argparse.Namespace) -> Found:
    """What waits at the paths that were given, or in the whole project."""
    if arguments.all and arguments.paths:
        raise Wrong(f"--all looks everywhere: leave out --all or {' '.join(arguments.paths)}.")
    paths = [path for given in arguments.paths for path in named(given)]
    paths = paths if arguments.paths else project_files(ENDING, everywhere=arguments.all)
    found = Found([], [])
    for path in dict.fromkeys(paths):
        try:
            found.waiting.append(read_waiting(path))
        except Wrong as error:
            found.unreadable.append(Unreadable(path, str(error)))
    return found


def reread(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Those that still wait, as they lie now."""
    return [read_waiting(each.path) for each in waiting if each.path.exists()]


def named(given: str) -> list[Path]:
    """The waiting files that *given* names, from here or from the root directory; ``Wrong`` where there are none."""
    places = (Path(given), from_root(given))
    files = next((files for files in map(_at, places) if files), [])
    if not files:
        exists = any(place.exists() for place in places)
        what = "nothing there waits for review" if exists else "there is no such file or folder"
        raise Wrong(f"{given}: {what}. torchgraph review --list shows what does.")
    return files


def _at(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(files_below(path, ENDING))
    file = path if path.name.endswith(SUFFIX) else pending_path(path)
    return [file] if file.is_file() else []


def read_waiting(path: Path) -> Waiting:
    """What waits at *path*; ``Wrong`` where that cannot be read."""
    try:
        return Waiting(path, read_pending(read_text(str(path)), str(path)))
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


def drop(waiting: Waiting) -> str:
    """The command that drops what waits."""
    return shlex.join(["torchgraph", "reject", str(waiting.snapshot)])


def environments(waiting: Iterable[Waiting]) -> list[str]:
    """One line for each difference between the machines of the snapshots and those of the runs."""
    counts = Counter(line for each in waiting for line in each.pending.environment)
    return [f"environment: {line} ({count} of the snapshots)" for line, count in counts.items()]


def gone(waiting: Waiting) -> str:
    """What is missing of its test, ``there is no tests/test_m.py any more``; empty unless that is sure.

    It is not where the file lies elsewhere than its test's would, nor where anything but a plain definition could make
    the test: :func:`pytest_torchgraph.snapshot.standing.missing` proves it.
    """
    owner = Owner.of(waiting.pending.test)
    root = root_of(waiting.path.parent)
    file = root / owner.file
    if waiting.path.parent.resolve() != (snapshot_folder(root) / Path(owner.file).with_suffix("")).resolve():
        return ""
    if not file.exists():
        return f"there is no {near(file)} any more"
    name = _missing(file, owner)
    return f"{near(file)} has no {name} any more" if name else ""


def _missing(file: Path, owner: Owner) -> str:
    if file.suffix != ".py" or not all(name.isidentifier() for name in (*owner.classes, owner.function)):
        return ""
    try:
        return missing(file.read_bytes(), owner)
    except OSError:
        return ""


def orphan_text(waiting: Waiting, why: str) -> str:
    """One line on what waits for a test that is gone, as :func:`gone` says *why*, with what drops it."""
    told = f"{waiting.snapshot} waits for a test that is gone, {why}: drop what waits with {drop(waiting)}"
    prune = ", and the snapshot, after a run of pytest, with torchgraph prune"
    return f"{told}{prune * waiting.snapshot.exists()}"
