"""What a panel says, before it is lowered to lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

Role: TypeAlias = Literal[
    "", "name", "kind", "faint", "number", "good", "bad", "warn", "accent", "head", "bar", "mark", "code", "tab"
]
"""What a piece of text is; a theme gives it a colour."""

Span: TypeAlias = "tuple[str, Role]"
Spans: TypeAlias = "tuple[Span, ...]"


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows; ``note`` stands beside it."""

    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of spans; what does not fit is wrapped under ``indent`` columns, or cut where it is not ``wrapped``."""

    spans: Spans
    wrapped: bool = True
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels and what belongs to them."""

    rows: tuple[tuple[str, Spans], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. ``columns`` are heads, with a ``>`` in front of those to the right; one without any text is left out.

    ``more`` is told beneath it, of what is left out.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[Span, ...]]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of Python from line number ``start``; ``beside`` are notes by line number, ``marked`` lines stand out."""

    lines: tuple[str, ...]
    start: int
    beside: dict[int, str]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked areas over steps: one series of numbers for each name; ``cursor`` is a position in them."""

    series: tuple[tuple[str, tuple[int, ...]], ...]
    cursor: int | None
    height: int = 8


@dataclass(frozen=True, slots=True)
class Heat:
    """A small picture: rows of levels between 0 and 1, ``None`` where nothing is known."""

    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not here, and how it is had."""

    what: str
    how: str


Block: TypeAlias = Heading | Line | Pairs | Grid | Code | Chart | Heat | Missing


def line(*parts: str | Span, indent: int = 0, wrapped: bool = True) -> Line:
    """A line of texts, plain or with their roles."""
    return Line(tuple((part, "") if isinstance(part, str) else part for part in parts), wrapped, indent)


def spans(*parts: str | Span) -> Spans:
    """Texts, plain or with their roles."""
    return tuple((part, "") if isinstance(part, str) else part for part in parts)
