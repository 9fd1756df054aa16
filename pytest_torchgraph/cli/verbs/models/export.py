"""``torchgraph export FILE|module:factory``: a graph in a format that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.progress import progress
from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.models import target
from pytest_torchgraph.cli.streams import put, say
from pytest_torchgraph.drawing.saving import require_writable
from pytest_torchgraph.snapshot.saving import write_whole
from pytest_torchgraph.tracking.export import FORMATS, render, require_format
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse

PROFILE = ".chrome.json"
"""Names of CPU profiles for speedscope, which does not look inside."""


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "export",
        help="write a graph in a format of another program",
        description="Write the graph of a snapshot file, or of one run of a model, in a format of another program. "
        "Formats: json, dot, graphml, csv, model-explorer, and chrome, a timeline of a model for ui.perfetto.dev "
        "and speedscope.",
    )
    target.add_arguments(parser)
    parser.add_argument("--format", default="json", metavar="FORMAT", help=f"{', '.join(FORMATS)}; json by default")
    parser.add_argument("-o", "--output", metavar="PATH", help="write there instead of to the terminal")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file, or print it."""
    try:
        require_format(arguments.format)
        if arguments.output is not None:
            require_writable(Path(arguments.output))
        graph = target.graph_of(arguments)
        with progress(lambda: (len(graph.operations), ""), "writing"):
            text = render(graph, arguments.format)
        if arguments.output is None:
            put(text)
        else:
            write_whole(Path(arguments.output), text.encode())
            say(f"{arguments.output}: {times(graph.count('ops'), 'operation')}\n{note_on_name(arguments)}")
    except OSError as error:
        raise Wrong(error.strerror or str(error)) from None
    except (ValueError, ImportError) as error:
        raise Wrong(str(error)) from None
    return SAME


def note_on_name(arguments: argparse.Namespace) -> str:
    """What is to be known of the name of the file that was written."""
    if arguments.format == "chrome" and arguments.output.endswith(PROFILE):
        return f"speedscope takes a name that ends in {PROFILE} for another format: call it .json there\n"
    return ""
