"""``torchgraph history FILE...``: what each commit made of a snapshot's numbers."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.revisions import at_revision, git
from pytest_torchgraph.cli.snapshots import parsed

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.snapshot.reader import Snapshot

COLUMNS = ("ops", "copies", "saved", "peak", "flops")
LINE_FORMAT = "%h%x00%as%x00%s"
_FLOPS = re.compile(r"\bflops (\d+)")


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "history",
        help="print how a snapshot's numbers changed over git's history",
        description="One line for each commit that moved operations, copies, saved bytes, the peak or the noted FLOPs "
        "of FILE, newest first. Reads git's objects; needs neither the model nor PyTorch.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one table for each file."""
    tables = [f"{file}\n{table(commits(file))}" for file in arguments.files]
    sys.stdout.write("\n".join(tables))
    return SAME


def commits(file: str) -> list[tuple[str, ...]]:
    """Commit, date, the numbers and the subject, newest first; a commit that moved no number is left out."""
    path = git("--literal-pathspecs", "ls-files", "-z", "--full-name", "--", file).rstrip("\0") or file
    found: list[tuple[str, ...]] = []
    numbers: tuple[str, ...] = ()
    for told in reversed(git("--literal-pathspecs", "log", f"--format={LINE_FORMAT}", "--", file).splitlines()):
        commit, date, subject = told.split("\0")
        text = at_revision(commit, path)
        now = ("removed",) * len(COLUMNS) if text is None else numbers_of(parsed(text, f"{commit}:{path}"))
        if now != numbers:
            found.append((commit, date, *now, subject))
        numbers = now
    if not found:
        where = "has no history in git" if Path(file).exists() else "is neither here nor in git's history"
        raise Wrong(f"{file} {where}.")
    return found[::-1]


def numbers_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The columns of one snapshot; ``-`` for what it does not record."""
    noted = _FLOPS.search(snapshot.recorded)
    numbers = {**dict(snapshot.program.metrics), **({"flops": noted[1]} if noted else {})}
    return tuple(str(numbers.get(name, "-")) for name in COLUMNS)


def table(rows: list[tuple[str, ...]]) -> str:
    """*rows* under their headings; numbers to the right."""
    head = ("commit", "date", *COLUMNS, "subject")
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head) - 1)]
    return "".join(f"{aligned(row, widths)}\n" for row in (head, *rows))


def aligned(row: tuple[str, ...], widths: list[int]) -> str:
    """One line: words to the left, numbers to the right, the subject last."""
    cells = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
    cells += [text.rjust(width) for text, width in zip(row[2:-1], widths[2:], strict=True)]
    return "  ".join([*cells, row[-1]])
