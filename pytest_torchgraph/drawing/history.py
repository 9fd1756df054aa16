"""A snapshot's numbers over commits, as a picture: one row for each number, one column for each file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.verdict.quantity import bytes_text

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, MORE, FEWER = "#24292f", "#8c959f", "#cf222e", "#1a7f37"
SETTINGS: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "svg.hashsalt": "torchgraph",
    "svg.fonttype": "none",
}


@dataclass(frozen=True, slots=True)
class History:
    """The numbers of one file, oldest commit first; ``None`` where a commit has none.

    ``commits`` are the labels below the picture; ``numbers`` are by name, in the order of the rows; those in ``sizes``
    are bytes.
    """

    title: str
    commits: tuple[str, ...]
    numbers: tuple[tuple[str, tuple[int | None, ...]], ...]
    sizes: frozenset[str] = frozenset()


def save(histories: Sequence[History], path: Path) -> None:
    """Draw *histories* into *path*, whose suffix says the form; raises ``ImportError`` without matplotlib."""
    from matplotlib import rc_context

    with rc_context(SETTINGS):
        figure = _figure(histories)
        svg: dict[str, Any] = {"metadata": {"Date": None}} if path.suffix == ".svg" else {}
        figure.savefig(path, dpi=160, **svg)


def _figure(histories: Sequence[History]) -> Figure:
    from matplotlib.figure import Figure

    rows = _rows(histories)
    widths = [max(3.2, 1.2 + 0.62 * len(history.commits)) for history in histories]
    figure = Figure(figsize=(sum(widths), 0.9 + 1.15 * len(rows)), layout="constrained")
    grid: Any = figure.subplots(len(rows), len(histories), squeeze=False, sharex="col", width_ratios=widths)
    for column, history in enumerate(histories):
        numbers = dict(history.numbers)
        grid[0][column].set_title(history.title, loc="left", color=INK, fontsize=9)
        for row, name in enumerate(rows):
            _draw(grid[row][column], name, numbers.get(name, ()), is_size=name in history.sizes)
        last = grid[-1][column]
        last.set_xticks(range(len(history.commits)), history.commits, rotation=60, ha="right", rotation_mode="anchor")
        last.set_xlim(-0.4, len(history.commits) - 0.1)
    return figure


def _rows(histories: Sequence[History]) -> list[str]:
    """The numbers that any commit of any file has."""
    return list(
        dict.fromkeys(
            name
            for history in histories
            for name, values in history.numbers
            if any(value is not None for value in values)
        )
    )


def _draw(axes: Axes, name: str, values: Sequence[int | None], *, is_size: bool) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center", color=INK)
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    axes.step([at for at, _ in known], [value for _, value in known], where="post", color=FAINT, linewidth=1.2)
    before: int | None = None
    for at, value in known:
        if value != before:
            fell = before is not None and value < before
            colour = INK if before is None else FEWER if fell else MORE
            axes.plot([at], [value], "o", color=colour, markersize=4)
            where = (at, value), (3, -11 if fell else 5)
            axes.annotate(_text(value, is_size=is_size), *where, textcoords="offset points", color=colour)
        before = value
    axes.margins(y=0.45)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", length=0, colors=INK)


def _text(value: int, *, is_size: bool) -> str:
    """``1.9 MiB``, ``12,345``, or ``1.31e+09`` for what nobody counts digit by digit."""
    if not is_size:
        return f"{value:,}" if value < 10**7 else f"{value:.3g}"
    return bytes_text(value)
