"""Blocks as lines of a given width: text with roles, and no colours yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from rich.cells import cell_len, set_cell_size

from pytest_torchgraph.explorer.block import (
    Block,
    Chart,
    Code,
    Grid,
    Heading,
    Heat,
    Line,
    Missing,
    Pairs,
    Role,
    Span,
    Spans,
)
from pytest_torchgraph.words.printable import printable

Lines: TypeAlias = "list[Spans]"
LABEL = 14
"""Columns of a label."""
SHADES = " ░▒▓█"
RISING = " ▁▂▃▄▅▆▇█"
SERIES: tuple[Role, ...] = ("bar", "kind", "number", "warn", "good", "faint", "bad", "code")
"""The roles of the areas of a chart, in order."""


def lowered(blocks: Iterable[Block], width: int) -> Lines:
    """All *blocks* as lines of at most *width* columns; what a terminal would obey is escaped."""
    width = max(width, 16)
    found: Lines = []
    for block in blocks:
        found.extend(LOWERINGS[type(block)](block, width))
    return [cut(trimmed(tuple((printable(text), role) for text, role in each)), width) for each in found]


def trimmed(spans: Spans) -> Spans:
    """*spans* without the blanks at their end."""
    if not spans:
        return spans
    *others, (text, role) = spans
    return (*others, (text.rstrip(" "), role))


def plain(lines: Iterable[Spans]) -> str:
    """The text of *lines*."""
    return "\n".join("".join(text for text, _ in each).rstrip() for each in lines)


def _pairs(pairs: Pairs, width: int) -> Iterator[Spans]:
    for label, value in pairs.rows:
        first: Span = (set_cell_size(label, LABEL - 1) + " ", "faint")
        yield from wrapped(Line((first, *value), indent=LABEL), width)


def _missing(block: Missing, width: int) -> Iterator[Spans]:
    yield ((block.what, "warn"),)
    yield from wrapped(Line(((block.how, "faint"),)), width)


def _heading(block: Heading, width: int) -> Iterator[Spans]:
    note = f"  {block.note}" if block.note else ""
    rule = "─" * max(width - cell_len(block.text) - cell_len(note) - 1, 0)
    yield ()
    yield (block.text, "head"), (note, "faint"), (f" {rule}", "faint")


def wrapped(line: Line, width: int) -> Iterator[Spans]:
    """*line* cut to *width*, or broken between words, the rest under its indent."""
    if not line.wrapped:
        yield cut(line.spans, width)
        return
    row: list[Span] = []
    used = 0
    for text, role in line.spans:
        for word in _words(text):
            size = cell_len(word)
            if used + size > width and used > line.indent:
                yield tuple(row)
                row, used = [(" " * line.indent, "")] if line.indent else [], line.indent
                word = word.lstrip()  # noqa: PLW2901 -- a line that goes on begins with a word
                size = cell_len(word)
            while used + size > width:
                head = beginning(word, width - used)
                yield (*row, (head, role))
                word = word[len(head) :]  # noqa: PLW2901 -- what is longer than a line is broken anywhere
                row, used, size = [], 0, cell_len(word)
            row.append((word, role))
            used += size
    yield tuple(row)


def beginning(word: str, room: int) -> str:
    """As much of *word* as there is *room* for, at least one character."""
    used = 0
    for place, char in enumerate(word):
        used += cell_len(char)
        if used > room and place:
            return word[:place]
    return word


def _words(text: str) -> Iterator[str]:
    """*text* in words, each with the blanks before it."""
    begun = 0
    for place in range(1, len(text)):
        if text[place] == " " and text[place - 1] != " ":
            yield text[begun:place]
            begun = place
    if text[begun:]:
        yield text[begun:]


def cut(spans: Spans, width: int) -> Spans:
    """*spans* in at most *width* columns, with an ellipsis where something is left out."""
    if sum(cell_len(text) for text, _ in spans) <= width:
        return spans
    row: list[Span] = []
    left = width - 1
    for text, role in spans:
        size = cell_len(text)
        if size > left:
            row.append((set_cell_size(text, left), role))
            break
        row.append((text, role))
        left -= size
    return (*row, ("…", "faint"))


def _grid(grid: Grid, width: int) -> Iterator[Spans]:
    told = [place for place in range(len(grid.columns)) if any(row[place][0] for row in grid.rows)]
    heads = [grid.columns[place].removeprefix(">") for place in told]
    right = [grid.columns[place].startswith(">") for place in told]
    rows = [[row[place] for place in told] for row in grid.rows]
    widths = [
        max([cell_len(head), *(cell_len(printable(row[at][0])) for row in rows)]) for at, head in enumerate(heads)
    ]
    spare = width - sum(widths) - 2 * (len(widths) - 1)
    if spare < 0:
        widths = narrowed(widths, right, -spare)
    if any(heads):
        yield tuple(_cell((head, "faint"), size, to) for head, size, to in zip(heads, widths, right, strict=True))
    for row in rows:
        yield tuple(_cell(cell, size, to) for cell, size, to in zip(row, widths, right, strict=True))
    if grid.more:
        yield ((grid.more, "faint"),)


def narrowed(widths: list[int], right: list[bool], excess: int) -> list[int]:
    """*widths* with *excess* columns taken from text, the widest first; numbers are never cut while text is left."""
    found = list(widths)
    for is_number in (False, True):
        while excess > 0:
            places = [place for place, to in enumerate(right) if to is is_number and found[place] > 4]
            if not places:
                break
            widest = max(places, key=lambda place: found[place])
            found[widest] -= 1
            excess -= 1
    return found


def _cell(cell: Span, width: int, to_the_right: bool) -> Span:  # noqa: FBT001 -- one of three plain parts of a cell
    text, role = printable(cell[0]), cell[1]
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    pad = " " * (width - cell_len(text))
    return (f"{pad}{text}  " if to_the_right else f"{text}{pad}  "), role


def _code(code: Code, width: int) -> Iterator[Spans]:
    digits = len(str(code.start + len(code.lines)))
    notes = max((cell_len(note) for note in code.beside.values()), default=0)
    beside = min(notes, width // 3)
    room = max(width - digits - 3 - (beside + 2 if beside else 0), 8)
    for number, text in enumerate(code.lines, code.start):
        mark: Span = ("▌" if number in code.marked else " ", "mark")
        source = set_cell_size(text.expandtabs(4), room) if beside else cut(((text.expandtabs(4), ""),), room)[0][0]
        note = code.beside.get(number, "")
        yield (
            mark,
            (f"{number:>{digits}} ", "faint"),
            (source, "code"),
            *cut(((f"  {note}" if note else "", "accent"),), beside + 2),
        )


def _chart(chart: Chart, width: int) -> Iterator[Spans]:
    steps = max((len(values) for _, values in chart.series), default=0)
    if not steps:
        return
    columns = min(width, steps)
    picked = [_picked(chart, steps, column, columns) for column in range(columns)]
    highest = max(map(sum, picked)) or 1
    at = None if chart.cursor is None else min(chart.cursor * columns // steps, columns - 1)
    for row in range(chart.height, 0, -1):
        yield tuple(
            _point(values, row, chart.height, highest, is_cursor=column == at) for column, values in enumerate(picked)
        )


def _picked(chart: Chart, steps: int, column: int, columns: int) -> list[int]:
    """The values of the highest step that *column* stands for."""
    first = column * steps // columns
    last = max((column + 1) * steps // columns, first + 1)
    best = max(range(first, last), key=lambda step: sum(values[step] for _, values in chart.series))
    return [values[best] for _, values in chart.series]


def _point(values: list[int], row: int, height: int, highest: int, *, is_cursor: bool) -> Span:
    total = sum(values)
    eighths = total / highest * height * 8 - (row - 1) * 8
    if eighths < 0.5:
        return ("│", "mark") if is_cursor else (" ", "")
    char = RISING[min(round(eighths), 8)]
    level, below = (row - 0.5) / height * highest, 0
    place = next(
        (index for index, value in enumerate(values) if (below := below + value) >= min(level, total)), len(values) - 1
    )
    return (char, "mark") if is_cursor else (char, SERIES[place % len(SERIES)])


def _heat(heat: Heat, width: int) -> Iterator[Spans]:
    wide = 2 if heat.rows and 2 * len(heat.rows[0]) <= width else 1
    for row in heat.rows:
        cells = (SHADES[round(level * 4)] if level is not None else "×" for level in row[:width])
        yield (("".join(cell * wide for cell in cells), "bar"),)


LOWERINGS: dict[type, Callable[[Any, int], Iterator[Spans]]] = {
    Heading: _heading,
    Line: wrapped,
    Pairs: _pairs,
    Grid: _grid,
    Code: _code,
    Chart: _chart,
    Heat: _heat,
    Missing: _missing,
}
"""How each kind of block becomes lines."""
