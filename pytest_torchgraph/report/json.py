"""A report as JSON, for programs, and for merging the reports of several workers or machines.

A file is one object::

    {"format": "torchgraph report", "version": 1, "headline": TEXT, "complete": true, "cases": [CASE, …]}

``report.schema.json`` beside this module is its JSON schema. A reader must refuse a ``version`` that it does not know;
fields may be added within a version. ``headline`` is for people (``2 graphs: 1 drifted, 1 unchanged``); ``complete`` is
false where the session was cut short. A case is an object with

============  =====================================================================================================
``test``      what was compared: a node id, or the two files
``path``      the snapshot file, ``""`` where there is none
``status``    ``same``, ``note`` (changed in what never fails), ``improved``, ``drift``, ``budget``, ``missing``,
              ``unreadable``, ``refused``, ``recorded``, ``updated``; of files ``added``, ``removed``
``metrics``   ``[{"name": "ops", "before": 91, "after": 107}, …]``; bytes or times, ``null`` where not recorded
``outline``   the words: ``status``, ``title``, ``environment``, ``sections``, ``cost``, ``alive``, ``accept``,
              ``changes`` (ids), ``brief`` (the lines beneath the title of a short report); a section has ``title``,
              ``rows`` (``scope``, ``text``, ``source``, ``short``, ``word``), ``hint``,
              ``cause``, ``lines``, ``note``, ``in_cost``, ``change`` (the id that ``accept --change`` takes)
``place``     ``{"file": …, "line": …}`` of the code to look at, or ``null``
``view``      what the page draws of both graphs, or ``null``; its fields are described in ``view.py``
============  =====================================================================================================
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import isfinite
from typing import Any, NoReturn

from pytest_torchgraph.report.case import Case, Report, report_of
from pytest_torchgraph.report.decoding import decoded

LONGEST = 40
"""Digits of the longest integer that is read: more than any count of bytes has."""
FORMAT = "torchgraph report"
VERSION = 1


class ReportUnreadable(ValueError):
    """A file is no report, or one of another version."""


def render(report: Report) -> str:
    """The text of the file, without a final newline; one case a line."""
    head = {"format": FORMAT, "version": VERSION, "headline": report.headline, "complete": report.complete}
    lines = ",\n".join(case_text(case) for case in report.cases)
    return f'{json.dumps(head)[:-1]}, "cases": [\n{lines}\n]}}'


def case_text(case: Case) -> str:
    """*case* as one line of JSON."""
    return json.dumps(plain(case), separators=(",", ":"), allow_nan=False)


def plain(case: Case) -> dict[str, Any]:
    """*case* as values that JSON has; its view is the same object, not a copy."""
    return {**asdict(replace(case, view=None)), "view": case.view}


def read_case(text: str) -> Case:
    """The case of a line that :func:`case_text` made."""
    return decoded(Case, json.loads(text))


def read(text: str, *, path: str = "<report>") -> Report:
    """The report that *text* holds; raises :class:`ReportUnreadable`, which names *path*."""
    try:
        data: Any = json.loads(
            text.removeprefix("\ufeff"), parse_constant=_refused, parse_float=_finite, parse_int=_short
        )
    except (ValueError, RecursionError) as error:
        raise ReportUnreadable(f"{path}: no JSON ({error}), so it is no torchgraph report.") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("cases"), list):
        raise ReportUnreadable(f"{path}: no torchgraph report: write one with --torchgraph-report=PATH.json.")
    if data.get("version") != VERSION:
        raise ReportUnreadable(
            f"{path}: a report of version {data.get('version')!r}, and this program reads version {VERSION}: "
            "write both with the same version of pytest-torchgraph."
        )
    try:
        return report_of((decoded(Case, case) for case in data["cases"]), complete=data.get("complete") is not False)
    except ValueError as error:
        raise ReportUnreadable(f"{path}: damaged torchgraph report: {error}.") from None


def _refused(constant: str) -> NoReturn:
    """For what Python reads and JSON does not have."""
    raise ValueError(f"{constant} is none of its numbers")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _refused(digits[:LONGEST])


def _short(digits: str) -> int:
    """Python refuses to read, and to write, an integer of thousands of digits."""
    return int(digits) if len(digits) <= LONGEST else _refused(f"{digits[:LONGEST]}…")


def merged(*reports: Report) -> Report:
    """One report of the cases of all; what several tell alike is told once."""
    cases = (case for report in reports for case in report.cases)
    return report_of(cases, complete=all(report.complete for report in reports))
