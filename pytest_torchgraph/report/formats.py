"""The forms of a report, by name and by the end of a file's name."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pytest_torchgraph.report.case import Report

Format: TypeAlias = Literal["terminal", "json", "md", "html"]
FORMATS: tuple[Format, ...] = ("terminal", "json", "md", "html")
SEEN: frozenset[Format] = frozenset({"json", "html"})
"""The forms that hold both graphs."""
_SUFFIXES: dict[str, Format] = {".html": "html", ".htm": "html", ".md": "md", ".json": "json", ".txt": "terminal"}


def format_of(path: str) -> Format | None:
    """The form that the end of *path* names; ``None`` where it names none."""
    return _SUFFIXES.get(PurePath(path).suffix.lower())


def rendered(report: Report, form: Format) -> str:
    """The text of *report*, with a final newline; half a character, which no file can hold, stands as its escape."""
    return _rendered(report, form).encode("utf-8", errors="backslashreplace").decode("utf-8")


def _rendered(report: Report, form: Format) -> str:
    if form == "json":
        from pytest_torchgraph.report.json import render as as_json

        return as_json(report) + "\n"
    if form == "html":
        from pytest_torchgraph.report.html import render as as_page

        return as_page(report)
    if form == "md":
        from pytest_torchgraph.report.markdown import render as as_markdown

        return as_markdown(report)
    return as_words(report)


def as_words(report: Report, verbosity: int = 0, *, colour: bool = False) -> str:
    """Each case as a terminal shows it, the count of all at the end where there are several."""
    from pytest_torchgraph.report.terminal import render

    told = report.cases if len(report.cases) == 1 else report.loud
    blocks = [render(case.outline, verbosity, colour=colour) for case in told]
    if len(report.cases) != 1:
        blocks.append(report.headline)
    return "\n\n".join(blocks) + "\n"
