"""``torchgraph pre-commit [FILE ...]``: refuse snapshots that must not be committed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.files.searching import files_below, from_root, project_files
from pytest_torchgraph.cli.files.snapshots import parsed, read_text
from pytest_torchgraph.cli.review.settling import LISTED
from pytest_torchgraph.cli.review.waiting import ENDING, gone, orphan_text, read_waiting
from pytest_torchgraph.cli.streams import say
from pytest_torchgraph.snapshot.pending import SUFFIX, pending_path

if TYPE_CHECKING:
    import argparse

SNAPSHOT = ".torchgraph"
THEN = "then commit the snapshot; or run its test again."


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "pre-commit",
        help="check that snapshots can be committed",
        description="Refuse what waits for review, and snapshots that are conflicted, cut or otherwise unreadable. "
        "Exit code 0: all can be committed, 1: not all.",
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="snapshots, each with what waits for it, and folders; default: all of this project",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Name every file that must not be committed, and why; what waits for a test that is gone stops nothing."""
    files = [path for given in arguments.files for path in _named(given)]
    files = files if arguments.files else project_files(SNAPSHOT, ENDING)
    faults, remarks = list[str](), list[str]()
    for file in dict.fromkeys(_with_waiting(files)):
        if file.name.endswith(ENDING):
            _judge_waiting(file, faults, remarks)
        else:
            faults += _faults_of(file)
    say(_listed(faults) + _listed(remarks))
    return DRIFT if faults else SAME


def _listed(lines: list[str]) -> str:
    rest = [f"and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    return "".join(f"{line}\n" for line in [*lines[:LISTED], *rest])


def _named(given: str) -> list[Path]:
    """The file *given*, from here or from the root directory, or the files below the folder."""
    path = next((place for place in (Path(given), from_root(given)) if place.exists()), Path(given))
    return sorted(files_below(path, SNAPSHOT, ENDING)) if path.is_dir() else [path]


def _with_waiting(given: list[Path]) -> Iterator[Path]:
    """The files, each followed by what waits for it: git ignores that, so nobody would name it."""
    for file in given:
        yield file
        if file.suffix != SUFFIX and pending_path(file).exists():
            yield pending_path(file)


def _judge_waiting(file: Path, faults: list[str], remarks: list[str]) -> None:
    try:
        each = read_waiting(file)
    except Wrong as error:
        faults.append(str(error))
        return
    if why := gone(each):
        remarks.append(orphan_text(each, why))
    elif each.pending.open:
        faults.append(f"{file} waits for review: torchgraph review, {THEN}")
    else:
        applied = shlex.join(["torchgraph", "accept", str(each.snapshot)])
        faults.append(f"{file} waits with accepted changes only: {applied}, {THEN}")


def _faults_of(file: Path) -> list[str]:
    try:
        parsed(read_text(str(file)), str(file))
    except Wrong as error:
        return [str(error)]
    return []
