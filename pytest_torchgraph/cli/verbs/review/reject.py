"""``torchgraph reject [PATH ...]``: drop what failed tests would record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME
from pytest_torchgraph.cli.review import settling, waiting
from pytest_torchgraph.cli.streams import say

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
    found = waiting.found(arguments)
    chosen = found.chosen(arguments.change)
    say(settling.reject(found, chosen, arguments.paths) or waiting.nothing_text())
    return SAME
