"""The reports of a session: what each check found, collected over all workers, written where it was asked for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_torchgraph.plugin import surroundings
from pytest_torchgraph.plugin.options import FORMS
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.words.printable import printable
from pytest_torchgraph.words.status import QUIET, SPOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_torchgraph.plugin.session.events import Event, Ledger
    from pytest_torchgraph.report.case import Case, Report
    from pytest_torchgraph.report.formats import Format
    from pytest_torchgraph.words.status import Outlined

Told: TypeAlias = tuple[str, dict[str, bool]]
"""A line and its colour."""

_TO_TELL = pytest.StashKey[list[Told]]()


def configure(config: pytest.Config) -> None:
    """Refuse a path whose end names no form, before any test runs."""
    for path in settings(config).reports:
        _form(path)


def _form(path: str) -> Format:
    from pytest_torchgraph.report.formats import format_of

    form = format_of(path)
    if form is None:
        raise pytest.UsageError(f"torchgraph: --torchgraph-report={path}: expected a file that ends in {FORMS}.")
    return form


def report_of(ledger: Ledger) -> Report:
    """The report of everything that the session's checks did."""
    from pytest_torchgraph.report.case import report_of as ordered

    cases = _cases(event for events in ledger.events.values() for event in events)
    return ordered(cases, complete=not (ledger.workers_lost or ledger.stopped))


def _cases(events: Iterable[Event]) -> Iterator[Case]:
    from pytest_torchgraph.report.case import Case
    from pytest_torchgraph.report.json import read_case
    from pytest_torchgraph.report.outline import Outline

    for event in events:
        if event.case:
            yield read_case(event.case)
        elif event.status is not None:
            text = f": {event.text}" if event.text else ""
            status: Outlined = "same" if event.status in QUIET else "drift"
            outline = Outline(status=status, title=f"{event.test}: {SPOKEN[event.status].word}{text}")
            yield Case(test=event.test, status=event.status, outline=outline, path=event.path)


def write(config: pytest.Config, ledger: Ledger) -> None:
    """Write what was asked for; a file that cannot be written stops nothing."""
    if not settings(config).reporting:
        return
    report, around = report_of(ledger), surroundings.of(config)
    told = [_told(path, report, partial(_write, Path(path), report)) for path in settings(config).reports]
    if around.step_summary:
        told.append(_told("GITHUB_STEP_SUMMARY", report, partial(_append, Path(around.step_summary), report)))
    if around.github:
        from pytest_torchgraph.report.annotation import error_lines

        told += [(line, {}) for line in error_lines(report, _below(config.rootpath, around.workspace))]
    config.stash[_TO_TELL] = told


def tell(config: pytest.Config, reporter: Any) -> None:
    """Print, once, what was written and the lines by which GitHub shows what fails at its line of code."""
    for text, colour in config.stash.get(_TO_TELL, []):
        reporter.ensure_newline()
        reporter.write_line(printable(text), **colour)
    config.stash[_TO_TELL] = []


def _below(root: Path, workspace: str) -> str:
    """*root* as seen from the *workspace*; empty where it lies elsewhere."""
    if not workspace:
        return ""
    top, inner = Path(workspace).resolve(), root.resolve()
    return inner.relative_to(top).as_posix() if inner.is_relative_to(top) else ""


def _told(name: str, report: Report, act: Callable[[], str]) -> Told:
    try:
        left_out = act()
    except OSError as error:
        return f"torchgraph: {name} cannot be written: {error.strerror}", {"red": True}
    if left_out:
        return f"torchgraph: nothing was added to {name}: {left_out}", {"yellow": True}
    return f"torchgraph report: {name} ({report.headline})", {}


def _write(path: Path, report: Report) -> str:
    from pytest_torchgraph.report.formats import rendered
    from pytest_torchgraph.snapshot.saving import write_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, rendered(report, _form(str(path))))
    return ""


def _append(path: Path, report: Report) -> str:
    """Append to the summary of the step, within what is left of its limit; returns why nothing was."""
    from pytest_torchgraph.report.markdown import SUMMARY, render

    if not report.cases:
        return ""
    left = SUMMARY - (path.stat().st_size if path.exists() else 0)
    text = (render(report, left - 1) + "\n").encode("utf-8", errors="replace")
    if len(text) > left:
        return f"of the {SUMMARY} bytes that GitHub takes, {max(left, 0)} are left"
    with path.open("ab") as stream:
        stream.write(text)
    return ""
