"""``torchgraph report``: JSON reports of several workers or machines as one, and what differs between two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import output
from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.streams import complain, put, say
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.report.case import Report


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser("report", help="merge reports, compare two, or show one in another form")
    inner = parser.add_subparsers(metavar="VERB", required=True)
    merge = inner.add_parser(
        "merge",
        help="one report of several JSON reports",
        description="Merge JSON reports, as --torchgraph-report=PATH.json writes them, into one of any form. "
        "What several tell alike is told once.",
    )
    merge.add_argument("files", nargs="+", metavar="FILE.json", help="JSON reports")
    output.add_arguments(merge)
    merge.add_argument("-v", "--verbose", action="count", default=0, help="every finding; twice for every operation")
    merge.set_defaults(run=run)
    diff = inner.add_parser(
        "diff",
        help="what differs between two JSON reports, or two analyses",
        description="Compare two JSON reports graph by graph (status, changes, metrics), or two analyses, as "
        "'torchgraph analyze --format json' prints them, figure by figure. Exit code 0: same, 1: different, 2: error.",
    )
    diff.add_argument("before", metavar="A.json", help="a JSON report, or an analysis")
    diff.add_argument("after", metavar="B.json", help="what it is compared with")
    diff.add_argument("--format", choices=("text", "json"), default="text", help="text by default")
    diff.set_defaults(run=run_diff)


def run(arguments: argparse.Namespace) -> int:
    """Read all, then write one; a file that cannot be read ends the command before anything is written."""
    from pytest_torchgraph.report.json import merged

    output.form_of(arguments)
    reports = list(map(_read, arguments.files))
    output.put(merged(*reports), arguments)
    complain("".join(_repeats(arguments.files, reports)))
    return SAME


def run_diff(arguments: argparse.Namespace) -> int:
    """Print every place in which the two differ; needs no PyTorch."""
    from pytest_torchgraph.report.documents import differences_of, lines
    from pytest_torchgraph.report.json import ReportUnreadable

    paths = (arguments.before, arguments.after)
    try:
        found = differences_of(_text(arguments.before), _text(arguments.after), paths)
    except ReportUnreadable as error:
        raise Wrong(str(error)) from None
    if arguments.format == "json":
        put(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    else:
        head = f"{arguments.before} -> {arguments.after}: {times(len(found), 'difference') if found else 'the same'}"
        say("".join(f"{line}\n" for line in (head, *lines(found))))
    return DRIFT if found else SAME


def _repeats(files: list[str], reports: list[Report]) -> Iterator[str]:
    """Each file that tells what an earlier one tells: a file may be given twice by mistake."""
    from pytest_torchgraph.report.case import told_before

    for at, (file, report) in enumerate(zip(files, reports, strict=True)):
        count, total = told_before(report, reports[:at]), len(report.cases)
        if count:
            which = "all its" if count == total else f"{count} of its {total}"
            yield f"torchgraph: {file}: an earlier file tells {which} graphs too; each is counted once.\n"


def _read(path: str) -> Report:
    from pytest_torchgraph.report.json import ReportUnreadable, read

    try:
        return read(_text(path), path=path)
    except ReportUnreadable as error:
        raise Wrong(str(error)) from None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Wrong(f"{path}: not UTF-8 text (byte {error.start}), so it is no torchgraph report.") from None
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}.") from None
