"""What modules cost, on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.patches import Rectangle

from pytest_torchgraph.drawing.icicle import Icicle, Strip
from pytest_torchgraph.drawing.layout import text_width
from pytest_torchgraph.drawing.matplotlib_paper import POINT, fonts, legend, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW, MARGIN, TOP, COLUMN = 1100.0, 40.0, 28.0, 64.0, 210.0
TEXT, SMALL = 11.0, 9.5


def figure(icicle: Icicle) -> Figure:
    """The strips, the whole at the top."""
    height = TOP + max(icicle.rows * ROW, 22 + 20 * len(icicle.legend)) + MARGIN
    with fonts():
        made, axes, scale = sheet(MARGIN + WIDTH + MARGIN + COLUMN, height, icicle.theme)
        axes.text(MARGIN, 30, icicle.title, fontsize=18 * POINT, color=icicle.theme.text, va="center", weight="bold")
        for strip in icicle.strips:
            draw(axes, strip, icicle)
        legend(axes, (MARGIN + WIDTH + MARGIN, TOP + 8), "phase, kind", icicle.legend, icicle.theme, scale)
    return made


def draw(axes: Axes, strip: Strip, icicle: Icicle) -> None:
    """One strip with as much of its name as it has room for."""
    left, top, width = MARGIN + strip.start * WIDTH, TOP + strip.row * ROW, strip.width * WIDTH
    axes.add_patch(Rectangle((left, top), width, ROW, facecolor=strip.fill, edgecolor=icicle.theme.paper, linewidth=1))
    title = fitting(strip.title, width - 10, TEXT)
    value = next(
        (text for text in (strip.value, strip.value.partition(",")[0]) if text_width(text, SMALL) <= width - 10), ""
    )
    if title:
        where = top + (ROW / 2 - 7 if value else ROW / 2)
        axes.text(left + 5, where, title, fontsize=TEXT * POINT, color=icicle.theme.text, va="center_baseline")
        axes.text(
            left + 5, top + ROW / 2 + 9, value, fontsize=SMALL * POINT, color=icicle.theme.text, va="center_baseline"
        )


def fitting(text: str, width: float, height: float) -> str:
    """*text*, cut so that it fits; nothing where no three letters of it would."""
    if text_width(text, height) <= width:
        return text
    letters = int(width / text_width("x", height)) - 1
    return f"{text[:letters]}…" if letters >= 3 else ""
