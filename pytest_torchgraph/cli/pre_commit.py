"""``torchgraph pre-commit [FILE ...]``: refuse snapshots that must not be committed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.snapshots import parsed, read_text
from pytest_torchgraph.cli.waiting import LISTED, files_below
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
from pytest_torchgraph.snapshot.pending import SUFFIX, pending_path, read_pending

if TYPE_CHECKING:
    import argparse

SNAPSHOT = ".torchgraph"


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "pre-commit",
        help="check that snapshots can be committed",
        description="Refuse what waits for review, and snapshots that are conflicted, cut or otherwise unreadable. "
        "Exit code 0: all can be committed, 1: not all.",
    )
    parser.add_argument("files", metavar="FILE", nargs="*", help="snapshots, each with what waits for it; default: all")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Name every file that must not be committed, and why."""
    given = list(map(Path, arguments.files)) or sorted(files_below(Path(), SNAPSHOT, SNAPSHOT + SUFFIX))
    faults = [fault for fault in map(_fault, dict.fromkeys(_with_waiting(given))) if fault]
    rest = [f"and {len(faults) - LISTED} more"] if len(faults) > LISTED else []
    sys.stdout.write("".join(f"{line}\n" for line in [*faults[:LISTED], *rest]))
    return DRIFT if faults else SAME


def _with_waiting(given: list[Path]) -> Iterator[Path]:
    """The files, each followed by what waits for it: git ignores that, so nobody would name it."""
    for file in given:
        yield file
        if file.suffix != SUFFIX and pending_path(file).exists():
            yield pending_path(file)


def _remedy(file: Path) -> str:
    try:
        is_open = bool(read_pending(read_text(str(file)), str(file)).open)
    except (Wrong, SnapshotUnreadable):
        is_open = True
    if is_open:
        return "for review: torchgraph review"
    return f"with accepted changes only: {shlex.join(['torchgraph', 'accept', str(file.with_suffix(''))])}"


def _fault(file: Path) -> str:
    if file.suffix == SUFFIX:
        return f"{file} waits {_remedy(file)}, then commit the snapshot; or run its test again."
    try:
        parsed(read_text(str(file)), str(file))
    except Wrong as error:
        return str(error)
    return ""
