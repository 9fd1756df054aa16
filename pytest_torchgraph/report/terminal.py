"""An outline as terminal text: five lines, or everything."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.report.brief import Parts, brief_lines, row_text
from pytest_torchgraph.report.outline import Outline, Section, hint_text
from pytest_torchgraph.words.printable import printable

COLOURS = {
    "same": "\033[32m",
    "note": "\033[33m",
    "improved": "\033[32m",
    "drift": "\033[31m",
    "budget": "\033[31m",
    "plus": "\033[32m",
    "minus": "\033[31m",
    "faint": "\033[2m",
}
RESET = "\033[0m"


def render(outline: Outline, verbosity: int = 0, *, colour: bool = False) -> str:
    """The report as text without a final newline.

    *verbosity* 0 tells the one change that matters, 1 every finding, 2 also each operation before and after. A control
    character in a name is shown escaped.
    """
    short = _budgets if outline.status == "budget" else _short
    lines = short(outline) if verbosity == 0 else _long(outline, every_line=verbosity > 1)
    return "\n".join(_painted(role, printable(text), colour=colour) for role, text in lines)


def _painted(role: str, text: str, *, colour: bool) -> str:
    return f"{COLOURS[role]}{text}{RESET}" if colour and role in COLOURS else text


def painted(lines: list[str]) -> Iterator[str]:
    """*lines*, which :func:`render` made without colours, with them; the first line is a verdict that fails."""
    for number, line in enumerate(lines):
        role = "drift" if number == 0 else _role(line)
        yield _painted(role, line, colour=True)


def _role(line: str) -> str:
    if line.startswith((" " * 6 + "+", " " * 6 + "-", " " * 8 + "+", " " * 8 + "-")):
        return _sign(line)
    return "faint" if line.startswith(("  also:", "  note:", "  hint:", "    hint:", " " * 6)) else ""


def _short(outline: Outline) -> Iterator[tuple[str, str]]:
    yield from _head(outline)
    yield from ((_role(line), line) for line in outline.brief or brief_lines(outline, Parts()))
    yield from _accept(outline)


def _budgets(outline: Outline) -> Iterator[tuple[str, str]]:
    """Every broken budget: there is no leading one."""
    yield from _head(outline)
    several = len(outline.sections) > 1
    for section in outline.sections:
        if several:
            yield "", f"  {section.title}"
        yield from ((role, f"  {text}" if several else text) for role, text in _rows(section))


def _long(outline: Outline, *, every_line: bool) -> Iterator[tuple[str, str]]:
    yield from _head(outline)
    yield from _cost(outline)
    yield from _alive(outline)
    for section in outline.sections:
        yield "faint" if section.note else "", f"  {_named(section)}{section.title}"
        yield from (("", f"  {text}") for _, text in _rows(section))
        if section.hint:
            yield "", f"    hint: {hint_text(section.hint, section.cause)}"
        if every_line:
            yield from ((_sign(line), f"      {line}") for line in section.lines)
    yield from _accept(outline)


def _named(section: Section) -> str:
    """What a section's title begins with: that it is a note, or the id by which it is accepted."""
    return "note: " if section.note else f"change {section.change}: " if section.change else ""


def _sign(line: str) -> str:
    return {"+": "plus", "-": "minus"}.get(line.lstrip()[:1], "faint")


def _head(outline: Outline) -> Iterator[tuple[str, str]]:
    yield outline.status, outline.title
    yield from (("faint", f"  {line}") for line in outline.environment)


def _cost(outline: Outline) -> Iterator[tuple[str, str]]:
    if outline.cost:
        yield "", f"  {outline.cost}"


def _alive(outline: Outline) -> Iterator[tuple[str, str]]:
    """What is alive at the peak that was not, or no longer."""
    for text in outline.alive:
        yield "", f"  at the peak, {text}"


def _rows(section: Section) -> Iterator[tuple[str, str]]:
    yield from (("", f"  {row_text(row)}") for row in section.rows)


def _accept(outline: Outline) -> Iterator[tuple[str, str]]:
    if outline.accept:
        yield "", f"  accept: {outline.accept}"
