"""Where a command's report goes, and in which form."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.cli import streams
from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.report.formats import FORMATS, SEEN, Format, as_words, format_of, rendered

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.report.case import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how a report is written, and where."""
    parser.add_argument("--format", choices=FORMATS, help="default: what the end of FILE says, else terminal")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the report there instead")


def form_of(arguments: argparse.Namespace) -> Format:
    """The form that was asked for; a file whose name tells none needs ``--format``."""
    if arguments.output is None or arguments.format is not None:
        form: Format | None = arguments.format or "terminal"
    else:
        form = format_of(arguments.output)
    if form is None:
        raise Wrong(f"{arguments.output}: the end of the name tells no form: give --format {', '.join(FORMATS)}.")
    return form


def shows_graphs(arguments: argparse.Namespace) -> bool:
    """Whether the form that was asked for holds both graphs."""
    return form_of(arguments) in SEEN


def put(report: Report, arguments: argparse.Namespace) -> None:
    """Print *report*, or write it and say so in one line."""
    form, verbosity = form_of(arguments), getattr(arguments, "verbose", 0)
    if arguments.output is not None:
        from pytest_torchgraph.cli.files.snapshots import save

        save(Path(arguments.output), as_words(report, verbosity) if form == "terminal" else rendered(report, form))
        streams.say(f"{arguments.output}: {report.headline}\n")
    elif form == "terminal":
        from pytest_torchgraph.cli.streams import wants_colour

        sys.stdout.write(as_words(report, verbosity, colour=wants_colour()))
    else:
        streams.put(rendered(report, form))
