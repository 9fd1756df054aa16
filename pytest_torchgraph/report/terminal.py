"""An outline as terminal text: five lines, or everything."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.graph.counting import times
from pytest_torchgraph.graph.printable import printable
from pytest_torchgraph.report.outline import Outline, Row, Section, hint_text

EDITS = 3
"""Edits told of one scope in a short report."""
NEAR = "near "
"""Before a source line that is not of the change itself."""
ROOM = 240
"""Characters for the edits after the first."""
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
    if outline.sections:
        leading, *others = outline.sections
        yield from _leading_row(leading)
        yield from _cost(outline)
        yield from _alive(outline, 1 if leading.in_cost else 0)
        if leading.hint:
            yield "", f"  hint: {hint_text(leading.hint, leading.cause)}"
        yield from _others(others)
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
    yield from _alive(outline, None)
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


def _alive(outline: Outline, most: int | None) -> Iterator[tuple[str, str]]:
    """What is alive at the peak that was not, or no longer: the first *most* of it.

    A short report tells it only where no operation does.
    """
    told = outline.alive[:most]
    more = len(outline.alive) - len(told)
    for at, text in enumerate(told, 1):
        yield "", f"  at the peak, {text}" + (f" (-v shows {more} more)" if more and at == len(told) else "")


def _leading_row(section: Section) -> Iterator[tuple[str, str]]:
    """What happened in the first place, on one line, and how many more places there are."""
    if not section.rows:
        return
    here = [row for row in section.rows if row.scope == section.rows[0].scope]
    elsewhere = len({row.scope for row in section.rows}) - 1
    told = _that_fit(here[:EDITS])
    texts = [row.text for row in told] + ["…"] * (len(here) > len(told))
    sources = _merged([row.source for row in told if row.source])
    more = f" (and {times(elsewhere, 'more place')})" if elsewhere else ""
    yield "", f"  {row_text(Row(section.rows[0].scope, ', '.join(texts) + more, sources))}"


def _merged(sources: list[str]) -> str:
    """``near a.py:3`` and ``near a.py:5, b.py:1`` as ``near a.py:3,5, b.py:1``; near only where all of them are."""
    near = all(source.startswith(NEAR) for source in sources) and bool(sources)
    lines: dict[str, dict[str, None]] = {}
    for part in ", ".join(source.removeprefix(NEAR) for source in sources).split(", "):
        file, _, numbers = part.rpartition(":")
        lines.setdefault(file, {}).update(dict.fromkeys(numbers.split(",")))
    told = ", ".join(f"{file}:{','.join(numbers)}" for file, numbers in lines.items() if file)
    return f"{NEAR}{told}" if near else told


def _that_fit(rows: list[Row]) -> list[Row]:
    """The first of *rows*, and those after it for which there is room on the line."""
    return rows[:1] + [row for number, row in enumerate(rows[1:], 2) if _length(rows[:number]) <= ROOM]


def _length(rows: list[Row]) -> int:
    return sum(len(row.text) for row in rows)


def _rows(section: Section) -> Iterator[tuple[str, str]]:
    yield from (("", f"  {row_text(row)}") for row in section.rows)


def row_text(row: Row) -> str:
    """``layers.* ×4  +clone of %q   model.py:8``, without what is not known."""
    return "  ".join(part for part in (row.scope, row.text) if part) + (f"   {row.source}" if row.source else "")


def _others(sections: list[Section]) -> Iterator[tuple[str, str]]:
    """The findings that are not told here, one line for all of them."""
    titles = [section.title for section in sections if not section.note and not section.in_cost]
    notes = sum(section.note for section in sections)
    parts = [*titles[:3], f"{len(titles) - 3} more" if len(titles) > 3 else "", times(notes, "note") if notes else ""]
    told = "; ".join(part for part in parts if part)
    if told:
        yield "faint", f"  also: {told} (-vv shows all)"


def _accept(outline: Outline) -> Iterator[tuple[str, str]]:
    if outline.accept:
        yield "", f"  accept: {outline.accept}"
