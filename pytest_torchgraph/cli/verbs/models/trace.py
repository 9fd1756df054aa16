"""``torchgraph trace module:factory``: record a model without pytest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME
from pytest_torchgraph.cli.files.snapshots import save, text_of
from pytest_torchgraph.cli.models import running
from pytest_torchgraph.cli.streams import put, say
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "trace",
        help="run a model and print its snapshot",
        description="Call FACTORY, run the model that it returns once, and print the snapshot.",
    )
    running.add_arguments(parser)
    running.add_fake(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the snapshot there instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trace and print or write."""
    graph = running.trace(running.load(arguments))
    text = text_of(graph, arguments.model)
    if arguments.output is None:
        put(text)
    else:
        save(Path(arguments.output), text)
        say(f"{arguments.output}: {times(graph.count('ops'), 'operation')}\n")
    return SAME
