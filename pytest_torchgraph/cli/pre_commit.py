"""``torchgraph pre-commit FILE ...``: refuse snapshots that must not be committed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.snapshots import parsed, read_text
from pytest_torchgraph.snapshot.pending import SUFFIX

if TYPE_CHECKING:
    import argparse


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "pre-commit",
        help="check that snapshots can be committed",
        description="Refuse what waits for review, and snapshots that are conflicted, cut or otherwise unreadable. "
        "Exit code 0: all can be committed, 1: not all.",
    )
    parser.add_argument("files", metavar="FILE", nargs="*")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Name every file that must not be committed, and why."""
    faults = [fault for fault in map(_fault, arguments.files) if fault]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return DRIFT if faults else SAME


def _fault(file: str) -> str:
    if file.endswith(SUFFIX):
        return f"{file} waits for review and is not to be committed: torchgraph review, then commit the snapshot."
    try:
        parsed(read_text(file), file)
    except Wrong as error:
        return str(error)
    return ""
