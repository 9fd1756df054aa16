"""``torchgraph show FILE``: a snapshot, checked and coloured."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME
from pytest_torchgraph.cli.files.snapshots import load
from pytest_torchgraph.cli.streams import wants_colour
from pytest_torchgraph.words.printable import printable_lines

if TYPE_CHECKING:
    import argparse

RESET = "\x1b[0m"
COLOURS = (
    (re.compile(r"^(torchgraph|test|recorded|run|end)\b.*$", re.MULTILINE), "\x1b[2m"),
    (re.compile(r"^( *)([^\s=(]+): (?=[A-Z])", re.MULTILINE), "\x1b[1m"),
    (re.compile(r"\b(?:f|bf|i|u|c)(?:8|16|32|64|128)\[[\d,]*\]|\bbool\[[\d,]*\]"), "\x1b[36m"),
    (re.compile(r"%[\w.]+"), "\x1b[33m"),
)


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser("show", help="print a snapshot file", description="Check a snapshot file and print it.")
    parser.add_argument("file", metavar="FILE", help="a snapshot file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the file; colours only on a terminal."""
    text, _ = load(arguments.file)
    text = printable_lines(text)
    sys.stdout.write(coloured(text) if wants_colour() else text)
    return SAME


def coloured(text: str) -> str:
    """*text* with values, tensor types, scope names and the head in terminal colours."""
    for pattern, colour in COLOURS:
        text = pattern.sub(rf"{colour}\g<0>{RESET}", text)
    return text
