"""A report as Markdown for GitHub: one row for each test, the words of each change folded, within GitHub's limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from pytest_torchgraph.canonical.metric import GROUP_METRICS
from pytest_torchgraph.report.case import Case, Change, Metric, Report
from pytest_torchgraph.report.outline import Outline, more_text
from pytest_torchgraph.report.terminal import render as terminal
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.status import FAILING, SPOKEN

COMMENT = 65_536
"""Characters of a comment on GitHub; counted in bytes here, of which there are never fewer."""
SUMMARY = 1_048_576
"""Bytes of the summary of one step of a GitHub Actions job."""
MARK = 100
"""Bytes left free in a comment, for a line by which a workflow finds it again."""
ALWAYS = ("ops", "peak")
COLUMNS = ("ops", *GROUP_METRICS, "saved", "peak", "parameters", "buffers")
BYTES = frozenset({"saved", "peak", "parameters", "buffers", "gradients", "state"})
LONGEST_CELL = 200
NOTE_BYTES = 400


def render(report: Report, limit: int = COMMENT - MARK) -> str:
    """The report in at most *limit* bytes, with a final newline; what had to go is counted at the end."""
    head = f"### {_sign(report)} torchgraph: {report.headline}\n"
    room = limit - _size(head) - NOTE_BYTES
    table, rows_left_out = _table(report.loud, room // 2)
    details, changes_left_out = _details(report.changes, room - _size(table))
    return head + table + details + _cut(rows_left_out, changes_left_out)


def code(text: str) -> str:
    """*text* as code in a cell of a table: no markup, no mention, no link, no end of the cell."""
    plain = _line(text).strip().replace("|", "\\|")
    if not plain:
        return ""
    fence = "`" * (1 + _longest_run(plain))
    pad = " " if plain[0] == "`" or plain[-1] == "`" else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def html(text: str) -> str:
    """*text* as code where Markdown reads HTML."""
    return f"<code>{escape(_line(text))}</code>"


def fenced(text: str) -> str:
    """*text* as a block of code whose end is nothing that stands in *text*."""
    fence = "`" * max(3, 1 + _longest_run(text))
    return f"{fence}text\n{text}\n{fence}"


def _sign(report: Report) -> str:
    return "❌" if any(case.status in FAILING for case in report.cases) else "✅"


def _table(cases: tuple[Case, ...], room: int) -> tuple[str, int]:
    """The table, and how many of *cases* have no row in it."""
    if not cases:
        return "", 0
    columns = _columns(cases)
    heads = ["", "test", *columns, "what"]
    aligned = ["---", "---", *("---:" for _ in columns), "---"]
    lines = ["", _row(heads), _row(aligned)]
    shown = list(_fitting((_row(_cells(case, columns)) for case in cases), room - _size("\n".join(lines))))
    return "\n".join([*lines, *shown, ""]), len(cases) - len(shown)


def _columns(cases: Iterable[Case]) -> list[str]:
    moved = {metric.name for case in cases for metric in case.metrics if metric.before != metric.after}
    return [name for name in COLUMNS if name in moved or name in ALWAYS]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(case: Case, columns: list[str]) -> Iterator[str]:
    metrics = {metric.name: metric for metric in case.metrics}
    yield SPOKEN[case.status].in_count
    yield code(case.test)
    for name in columns:
        yield _moved(metrics[name]) if name in metrics else ""
    yield code(case.told)


def _moved(metric: Metric) -> str:
    """``91 → 107 ▲``, or the one number where it did not move."""
    before, after = (_amount(metric.name, value) for value in (metric.before, metric.after))
    if metric.before == metric.after:
        return after
    grown = (metric.after or 0) > (metric.before or 0)
    return f"{before} → {after} {'▲' if grown else '▼'}"


def _amount(name: str, value: int | None) -> str:
    if value is None:
        return "?"
    return (bytes_text(value, 2) if name in BYTES else str(value)).replace(" ", "&nbsp;")


def _details(changes: tuple[Change, ...], room: int) -> tuple[str, int]:
    """The words of each change, as many as fit; of one that does not fit in full the short ones."""
    shown: list[str] = []
    for change in changes:
        texts = (_detail(change, verbosity) for verbosity in (2, 1, 0))
        fits = next((text for text in texts if _size(text) <= room), None)
        if fits is None:
            break
        shown.append(fits)
        room -= _size(fits)
    return "".join(shown), len(changes) - len(shown)


def _detail(change: Change, verbosity: int) -> str:
    first, *others = change.cases
    name = f"change {html(change.ids[0])}{more_text(change.ids)}: " if change.ids else ""
    many = f" ({len(change.cases)} tests)" if others else f" in {html(first.test)}"
    lines = _words(first.outline, verbosity)
    lines += (
        ["", f"and the same in {len(others)} more:", *(f"  {_line(case.test)}" for case in others)] if others else []
    )
    summary = f"<summary>{name}{html(first.told)}{many}</summary>"
    return f"\n<details>{summary}\n\n{fenced(chr(10).join(lines))}\n\n</details>\n"


def _words(outline: Outline, verbosity: int) -> list[str]:
    """The lines of a short report, which are the same in every format, then what a longer one says beside them."""
    short = terminal(outline).splitlines()
    longer = [line for line in terminal(outline, verbosity).splitlines() if line not in short]
    return [*short, "", *longer] if longer else short


def _line(text: str) -> str:
    shown = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
    return "".join(char if char.isprintable() else " " for char in shown)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= _size(line) + 1
        if room < 0:
            return
        yield line


def _cut(rows: int, changes: int) -> str:
    parts = [f"{count} {noun}" for count, noun in ((rows, "rows"), (changes, "changes")) if count]
    if not parts:
        return ""
    return f"\nCut to what GitHub shows: {' and '.join(parts)} left out. `--torchgraph-report=report.html` has all.\n"


def _size(text: str) -> int:
    return len(text.encode("utf-8", errors="replace"))
