"""``torchgraph report merge A.json B.json``: the reports of several workers or machines as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import output
from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.streams import complain

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.report.case import Report


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser("report", help="merge reports, or show one in another form")
    inner = parser.add_subparsers(metavar="VERB", required=True)
    merge = inner.add_parser(
        "merge",
        help="one report of several JSON reports",
        description="Merge JSON reports, as --torchgraph-report=PATH.json writes them, into one of any form. "
        "What several tell alike is told once.",
    )
    merge.add_argument("files", nargs="+", metavar="FILE.json")
    output.add_arguments(merge)
    merge.add_argument("-v", "--verbose", action="count", default=0, help="every finding; twice for every operation")
    merge.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read all, then write one; a file that cannot be read ends the command before anything is written."""
    from pytest_torchgraph.report.json import merged

    output.form_of(arguments)
    reports = list(map(_read, arguments.files))
    output.put(merged(*reports), arguments)
    complain("".join(_repeats(arguments.files, reports)))
    return SAME


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
        return read(Path(path).read_text(encoding="utf-8-sig"), path=path)
    except UnicodeDecodeError as error:
        raise Wrong(f"{path}: not UTF-8 text (byte {error.start}), so it is no torchgraph report.") from None
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}.") from None
    except ReportUnreadable as error:
        raise Wrong(str(error)) from None
