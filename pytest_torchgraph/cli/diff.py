"""``torchgraph diff A B``: what changed between two snapshot files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import judgement
from pytest_torchgraph.cli.snapshots import load

if TYPE_CHECKING:
    import argparse


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "diff",
        help="compare two snapshot files",
        description="Explain what changed from snapshot A to snapshot B. Exit code 0: same, 1: drift, 2: error.",
    )
    parser.add_argument("before", metavar="A")
    parser.add_argument("after", metavar="B")
    judgement.add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print and return 0 or 1."""
    (_, before), (_, after) = load(arguments.before), load(arguments.after)
    title = f"{arguments.before} -> {arguments.after}"
    result = judgement.judged(before, after, title, arguments)
    judgement.show(result.outline, arguments)
    return result.code
