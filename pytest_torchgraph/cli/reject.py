"""``torchgraph reject [PATH ...]``: drop what failed tests would record."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import waiting
from pytest_torchgraph.cli.accept import NOTHING
from pytest_torchgraph.cli.exits import SAME

if TYPE_CHECKING:
    import argparse


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "reject",
        help="drop what failed tests would record",
        description="Drop what failed tests would record; their snapshots stay, and the tests fail until the models "
        "do again what they did.",
    )
    waiting.add_arguments(parser, "reject")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Reject, and say what was."""
    files = waiting.found(arguments.paths)
    chosen = waiting.fingerprints(files, arguments.change) if arguments.change else None
    sys.stdout.write(waiting.reject(files, chosen) if files else NOTHING)
    return SAME
