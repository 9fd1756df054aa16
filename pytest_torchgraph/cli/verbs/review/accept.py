"""``torchgraph accept [PATH ...]``: take what failed tests would record, without running them again."""

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
        "accept",
        help="take what failed tests would record",
        description="Let what failed tests would record replace their snapshots. With --change, a snapshot that has "
        "further changes goes on waiting. Needs neither the models nor PyTorch.",
    )
    waiting.add_arguments(parser, "accept")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Accept, and say what was."""
    found = waiting.found(arguments)
    chosen = found.chosen(arguments.change)
    say(settling.accept(found, chosen) or waiting.nothing_text())
    return SAME
