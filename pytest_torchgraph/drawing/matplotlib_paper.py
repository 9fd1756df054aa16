"""The paper that matplotlib draws on: fonts, an axes in pixels, a legend, and the bytes of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytest_torchgraph.drawing.colour import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONTS = ["Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]
INCH, POINT = 96.0, 0.75
"""Pixels of an inch, points of a pixel."""
LARGEST = 150.0
"""Inches of the largest side of a figure."""
STABLE = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""What would make two files of the same picture differ, left out."""


@contextmanager
def fonts() -> Iterator[None]:
    """The fonts of all pictures, those that are not installed left out; text in SVG and PDF stays text."""
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    chosen = [font for font in FONTS if font in known]
    wanted: Any = {"font.family": chosen, "svg.fonttype": "none", "svg.hashsalt": "torchgraph", "pdf.fonttype": 42}
    with rc_context(wanted):
        yield


def sheet(width: float, height: float, theme: Theme) -> tuple[Figure, Axes, float]:
    """A figure of so many pixels, one axes over all of it in these pixels, y downwards; and its scale."""
    scale = min(1.0, LARGEST * INCH / max(width, height))
    figure = Figure(figsize=(width / INCH * scale, height / INCH * scale), facecolor=theme.paper, dpi=INCH)
    # A subplot over everything rather than free axes, so that pyplot's tight_layout() takes it.
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure, axes, scale


def legend(axes: Axes, corner: tuple[float, float], title: str, entries: Sequence[tuple[str, str, str]],
           theme: Theme, scale: float) -> None:  # fmt: skip
    """A column of names with their colours."""
    x, y = corner
    axes.text(x, y, title, fontsize=11 * POINT * scale, color=theme.muted, va="center")
    for number, (name, fill, border) in enumerate(entries, start=1):
        top = y + number * 20
        axes.add_patch(Rectangle((x, top - 6), 16, 12, facecolor=fill, edgecolor=border, linewidth=scale))
        axes.text(x + 24, top, name, fontsize=11 * POINT * scale, color=theme.text, va="center_baseline")


def rendered(figure: Figure, format: str) -> bytes:  # noqa: A002 -- as matplotlib calls it
    """The bytes of a file; a PNG has twice the pixels, for sharp screens, unless that were too many."""
    largest = max(figure.get_size_inches())
    dpi = INCH * min(2.0, max(1.0, 60 / largest))
    stream = BytesIO()
    with fonts():
        figure.savefig(stream, format=format, dpi=dpi, metadata=STABLE[format])
    return stream.getvalue()
