"""What git runs once ``torchgraph git-setup`` has told it to; not meant to be typed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.judgement import same_modules
from pytest_torchgraph.cli.streams import say, silence
from pytest_torchgraph.words.printable import printable_lines

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.snapshot.reader import Snapshot

UNMERGED = "not merged yet. A snapshot is not merged by hand: merge the code, then pytest --torchgraph-update"


def register(verbs: Any) -> None:
    """Add the verbs that git runs; the help does not list them."""
    diff = verbs.add_parser("git-diff", description="Explain to git how a snapshot differs.")
    diff.add_argument("path")
    diff.add_argument("sides", nargs="*")
    diff.set_defaults(run=explain)
    text = verbs.add_parser("git-text", description="Tell git a snapshot in words, to be compared line by line.")
    text.add_argument("file")
    text.set_defaults(run=tell)


def explain(arguments: argparse.Namespace) -> int:
    """One file as git passes it: path, then file, digest and mode of each side, then the new path if it has one.

    Of a file that is not merged yet, git passes the path alone.

    Whatever is wrong is printed: with another exit code git would end and show no further file.
    """
    sides = arguments.sides
    files = (sides[0], sides[3]) if len(sides) >= 4 else None
    path = " -> ".join([arguments.path, *sides[6:7]])
    try:
        told = _explained(path, *files) if files else printable_lines(f"{path}: {UNMERGED}")
    except Wrong as error:
        told = printable_lines(str(error))
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{told}\n\n")
        sys.stdout.flush()
        return SAME
    silence()  # a pager that was left
    return SAME


def _explained(path: str, before: str, after: str) -> str:
    if os.devnull in (before, after):
        side, file = ("added", after) if before == os.devnull else ("removed", before)
        return printable_lines(f"{path}: {side}\n{_numbers(_snapshot(file, path))}")
    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.report.terminal import render

    left, right = _snapshot(before, path), _snapshot(after, path)
    same = same_modules(Path.cwd())
    comparison = Comparison.of(left.program, right.program, (left.recorded, right.recorded), same=same)
    return render(comparison.outline(path), verbosity=1, colour=_wants_colour())


def _wants_colour() -> bool:
    paged = os.environ.get("GIT_PAGER_IN_USE") == "true" and os.environ.get("TERM", "dumb") != "dumb"
    return (paged or sys.stdout.isatty()) and not os.environ.get("NO_COLOR")


def _snapshot(file: str, path: str) -> Snapshot:
    from pytest_torchgraph.cli.files.snapshots import parsed, read_text

    return parsed(read_text(file), path)


def tell(arguments: argparse.Namespace) -> int:
    """The numbers of a snapshot in words, then its graph as it stands; why a file cannot be read, then the file."""
    from pytest_torchgraph.cli.files.snapshots import read_text

    text = read_text(arguments.file)
    try:
        snapshot = _snapshot(arguments.file, "snapshot")  # git passes temporary files: their names say nothing
    except Wrong as error:
        say(f"{error}\n\n{text}")
        return SAME
    lines = text.removesuffix("\n").split("\n")
    graph = next(number for number, line in enumerate(lines) if line.startswith(("forward ", "\\forward ")))
    say("\n".join([_numbers(snapshot), "", *lines[graph:-1], ""]))
    return SAME


def _numbers(snapshot: Snapshot) -> str:
    """Test, modes, metrics, and how often each operation runs, one a line."""
    from pytest_torchgraph.canonical.metric import SIZE_METRICS
    from pytest_torchgraph.diff.tree import call_names
    from pytest_torchgraph.recorded.operation import packet_of
    from pytest_torchgraph.verdict.quantity import bytes_text

    program = snapshot.program
    lines = [f"test {snapshot.test}", f"run {', '.join(program.run.words)}"]
    for name, value in program.metrics:
        at = f" at {program.peak_at}" if name == "peak" and program.peak_at else ""
        lines.append(f"{name} {bytes_text(value, 2) if name in SIZE_METRICS else value}{at}")
    counts = Counter(packet_of(name) for name in call_names(program.root))
    return "\n".join([*lines, *(f"{count} × {name}" for name, count in sorted(counts.items()))])
