"""One row of the tree as spans: guides, name, class, numbers, a bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from pytest_torchgraph.explorer.block import Role, Span, Spans
from pytest_torchgraph.explorer.formatting import bar
from pytest_torchgraph.explorer.lowering import cut
from pytest_torchgraph.explorer.measure import BY_NAME, Measure, share_of
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.rows import Row
    from pytest_torchgraph.explorer.search import Found
    from pytest_torchgraph.explorer.subject import Subject

COUNT, VALUE, BAR, SMALL_BAR = 8, 10, 12, 6
NARROW = 64
"""Columns of the tree below which it has one number and a small bar."""
OPEN, CLOSED, NONE = "▾ ", "▸ ", "  "
MARKS: dict[str, Role] = {"+": "good", "-": "bad", "~": "warn", " ": ""}


def spans_of(row: Row, subject: Subject, measure: Measure, width: int, *, pinned: bool, found: Found | None) -> Spans:
    """The row in *width* columns."""
    numbers = tuple(numbers_of(row, subject, measure, width))
    room = width - sum(cell_len(text) for text, _ in numbers)
    label = cut(tuple(label_of(row, subject, pinned=pinned, found=found)), room)
    used = sum(cell_len(text) for text, _ in label)
    return (*label, (" " * max(room - used, 0), ""), *numbers)


def heads_of(subject: Subject, measure: Measure, width: int) -> Spans:
    """The heads of the columns."""
    config = subject.config
    parts: list[Span] = []
    if config.show_parameter_counts and measure.name != "params" and width >= NARROW:
        parts.append((f"{'params':>{COUNT}}", "faint"))
    bars = BAR if width >= NARROW else SMALL_BAR
    parts.append((f"{measure.head:>{VALUE}} ", "accent"))
    parts.append((f"{'share':<{bars}}", "faint"))
    used = sum(cell_len(text) for text, _ in parts)
    return (set_cell_size(" modules", max(width - used, 0)), "faint"), *parts


def numbers_of(row: Row, subject: Subject, measure: Measure, width: int) -> Iterator[Span]:
    """Parameters, the measure, and its share as a bar."""
    if subject.config.show_parameter_counts and measure.name != "params" and width >= NARROW:
        params = BY_NAME["params"]
        yield f"{params.text(params.amount(subject, row.modules)):>{COUNT}}", "faint"
    bars = BAR if width >= NARROW else SMALL_BAR
    is_gone = row.path in subject.gone
    amount = measure.amount(subject, row.modules)
    text = "" if is_gone and measure.name != "changes" else measure.text(amount)
    yield f"{text:>{VALUE}} ", "number" if amount.size else "faint"
    yield bar(share_of(subject, measure, row.modules) or 0.0, bars), "bar"


def label_of(row: Row, subject: Subject, *, pinned: bool, found: Found | None) -> Iterator[Span]:
    """Guides, what opens, the name and what it is."""
    mark = mark_of(row, subject)
    if subject.before is not None:
        yield f"{mark} ", MARKS[mark]
    yield row.guides, "faint"
    yield (OPEN if row.is_open else CLOSED) if row.opens else NONE, "accent" if row.opens else "faint"
    if pinned:
        yield "◆ ", "mark"
    is_dim = found is not None and not row.matches
    name: Role = "faint" if is_dim else MARKS[mark] or "name"
    yield from marked(printable(row.name), name, found if row.matches else None)
    if row.is_fold:
        yield f" ×{len(row.modules)}", "accent"
    elif len(row.modules) > 1:
        yield f" ×{len(row.modules)}", "faint"
    title = title_of(row, subject)
    if title:
        yield " ", ""
        yield from marked(
            printable(title), "faint" if is_dim or not row.first.class_name else "kind", found if row.matches else None
        )


def title_of(row: Row, subject: Subject) -> str:
    """The class and what it was made with."""
    if not row.first.path:
        return ""
    return row.first.title if subject.config.show_shapes else row.first.class_name


def mark_of(row: Row, subject: Subject) -> str:
    """What became of the module from the graph before to the one after."""
    if subject.before is None:
        return " "
    if row.path in subject.gone:
        return "-"
    if row.path not in subject.before.modules:
        return "+"
    return "~" if subject.changes.get(row.path) else " "


def marked(text: str, role: Role, found: Found | None) -> Iterator[Span]:
    """*text* with what was found in it standing out."""
    begun = 0
    for start, end in sorted(found.marked(text)) if found is not None else ():
        if start >= begun:
            yield text[begun:start], role
            yield text[start:end], "mark"
            begun = end
    yield text[begun:], role
