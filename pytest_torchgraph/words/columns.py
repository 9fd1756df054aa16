"""Cells under one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]], figures: slice) -> Iterator[str]:
    """*rows* as lines of text, two spaces between cells; the columns *figures* stand to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = set(range(len(widths))[figures])
    for row in rows:
        cells = zip(row, widths, strict=True)
        told = (cell.rjust(width) if at in right else cell.ljust(width) for at, (cell, width) in enumerate(cells))
        yield "  ".join(told).rstrip()
