"""``torchgraph accept [PATH ...]``: take what failed tests would record, without running them again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import waiting
from pytest_torchgraph.cli.exits import SAME

if TYPE_CHECKING:
    import argparse

NOTHING = "nothing waits for review below this folder\n"


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "accept",
        help="take what failed tests would record",
        description="Let what failed tests would record replace their snapshots. With --change, a snapshot that has "
        "further changes goes on waiting. Needs neither the models nor PyTorch.",
    )
    waiting.add_arguments(parser, "accept")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Accept, and say what was."""
    files = waiting.found(arguments.paths)
    chosen = waiting.fingerprints(files, arguments.change) if arguments.change else None
    sys.stdout.write(waiting.accept(files, chosen) if files else NOTHING)
    return SAME
