"""Workflow commands of GitHub Actions, which show an error at its line of code in a pull request."""

from __future__ import annotations

import posixpath

from pytest_torchgraph.report.case import Change, Report
from pytest_torchgraph.report.outline import ids_text
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.words.printable import printable_lines
from pytest_torchgraph.words.status import FAILING

MOST = 10
"""Errors that GitHub shows of one step."""


def error_lines(report: Report, below: str = "") -> list[str]:
    """One ``::error`` line for each failing change, the last one counting those that are not told.

    *below* is the folder that the places of *report* start from, as seen from the workspace of the workflow, which is
    what GitHub takes paths to be relative to.
    """
    failing = [change for change in report.changes if change.cases[0].status in FAILING]
    if len(failing) <= MOST:
        return [_line(change, below) for change in failing]
    rest = len(failing) - MOST + 1
    told = [_line(change, below) for change in failing[: MOST - 1]]
    return [*told, f"::error title=torchgraph::and {rest} more changes"]


def _line(change: Change, below: str) -> str:
    first, *others = change.cases
    properties = {"title": f"torchgraph: {ids_text(change.ids)}" if change.ids else "torchgraph"}
    if first.place:
        properties = {
            "file": posixpath.normpath(posixpath.join(below, first.place.file)),
            "line": str(first.place.line),
            **properties,
        }
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    more = f"\nand the same in {len(others)} more: {', '.join(case.test for case in others[:3])}" if others else ""
    return f"::error {given}::{_data(render(first.outline) + more)}"


def _data(text: str) -> str:
    return printable_lines(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
