"""A graph on paper."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from pytest_torchgraph.drawing.colour import CIVIDIS, Theme, mix
from pytest_torchgraph.drawing.diagram import Diagram, View
from pytest_torchgraph.drawing.layout import DETAIL, HEAD, PAD, TITLE, Box, Line, arrow, heading, text_width
from pytest_torchgraph.drawing.matplotlib_paper import POINT, fonts, legend, sheet
from pytest_torchgraph.drawing.paint import Legend, caption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN, TOP, COLUMN = 28.0, 78.0, 220.0
DOT, ROUND = 2.2, 5.0
READABLE = 2.0
"""Points of the smallest text that is drawn."""


def figure(diagram: Diagram) -> Figure:
    """The picture with modules open as deep as the diagram says."""
    view = diagram.at(diagram.depth)
    width = MARGIN + max(view.scene.width, text_width(diagram.title, 18)) + MARGIN + COLUMN
    height = TOP + max(view.scene.height, 190) + MARGIN
    with fonts():
        made, axes, scale = sheet(width, height, diagram.theme)
        heads(axes, diagram, scale)
        boxes(axes, view, scale, groups=True)
        lines(axes, view.scene.lines, diagram.theme, scale)
        ports(axes, view, diagram.theme)
        boxes(axes, view, scale, groups=False)
        words(axes, view, scale)
        explain(axes, view.painter.legend, (width - COLUMN, TOP + 8), diagram.theme, scale)
    return made


def heads(axes: Axes, diagram: Diagram, scale: float) -> None:
    """The title, and what is said beneath it."""
    axes.text(
        MARGIN, 30, diagram.title, fontsize=18 * POINT * scale, color=diagram.theme.text, va="center", weight="bold"
    )
    axes.text(MARGIN, 54, diagram.note, fontsize=12 * POINT * scale, color=diagram.theme.muted, va="center")


def boxes(axes: Axes, view: View, scale: float, *, groups: bool) -> None:
    """All boxes with others in them, outer ones first, or all without."""
    chosen = [box for box in view.scene.boxes if box.is_group == groups]
    chosen.sort(key=lambda box: box.depth)
    looks = [view.painter.look(box) for box in chosen]
    axes.add_collection(
        PathCollection(
            [rounded(box) for box in chosen],
            facecolors=[look.fill for look in looks],
            edgecolors=[look.border for look in looks],
            linewidths=[(2.4 if view.painter.is_marked(box) else 1.0) * POINT * scale for box in chosen],
        )
    )


def rounded(box: Box) -> Path:
    """The outline of *box*."""
    r = ROUND
    left, top = box.x + MARGIN, box.y + TOP
    right, low = left + box.width, top + box.height
    corners = [(left, top, 1, 1), (right, top, -1, 1), (right, low, -1, -1), (left, low, 1, -1)]
    points: list[tuple[float, float]] = []
    for number, (x, y, across, down) in enumerate(corners):
        near, far = (x, y + down * r), (x + across * r, y)
        points += [near, (x, y), far] if number % 2 == 0 else [far, (x, y), near]
    codes = [Path.MOVETO, Path.CURVE3, Path.CURVE3, *([Path.LINETO, Path.CURVE3, Path.CURVE3] * 3), Path.CLOSEPOLY]
    return Path([*points, points[0]], codes)


def lines(axes: Axes, found: tuple[Line, ...], theme: Theme, scale: float) -> None:
    """The lines of each phase in its colour, and the arrows at their ends."""
    for phase, group in groupby(sorted(found, key=lambda line: line.phase), key=lambda line: line.phase):
        colour = mix(theme.phases.get(phase, theme.muted), theme.paper, 0.75)
        members = list(group)
        routes = [[(x + MARGIN, y + TOP) for x, y in line.points] for line in members]
        axes.add_collection(LineCollection(routes, colors=colour, linewidths=1.1 * POINT * scale, capstyle="round"))
        heads = [Path([(x + MARGIN, y + TOP) for x, y in arrow(line)]) for line in members if line.arrow]
        axes.add_collection(PathCollection(heads, facecolors=colour, edgecolors="none"))


def ports(axes: Axes, view: View, theme: Theme) -> None:
    """A dot wherever a value enters or leaves a box."""
    dots = [Path.circle((port.x + MARGIN, port.y + TOP), DOT) for port in view.scene.ports]
    axes.add_collection(PathCollection(dots, facecolors=theme.line, edgecolors="none"))


def words(axes: Axes, view: View, scale: float) -> None:
    """What stands in the boxes, where it can be read."""
    if TITLE * POINT * scale < READABLE:
        return
    for box in view.scene.boxes:
        look = view.painter.look(box)
        x, y = box.x + MARGIN, box.y + TOP
        size = TITLE * POINT * scale
        if box.is_group:
            text = heading(box.node)
            axes.text(
                x + PAD, y + HEAD / 2 + 1, text, fontsize=size, color=look.ink, va="center_baseline", weight="bold"
            )
            continue
        middle, centre = y + box.height / 2, x + box.width / 2
        where = middle - 7 if box.node.detail else middle
        axes.text(centre, where, caption(box), fontsize=size, color=look.ink, va="center_baseline", ha="center")
        small = DETAIL * POINT * scale
        axes.text(
            centre, middle + 7, box.node.detail, fontsize=small, color=look.muted, va="center_baseline", ha="center"
        )


def explain(axes: Axes, meaning: Legend, corner: tuple[float, float], theme: Theme, scale: float) -> None:
    """The legend: names, or the scale from nothing to the largest value; then the colours of the phases."""
    x, y = corner
    if not meaning.scale:
        legend(axes, corner, meaning.title, meaning.entries, theme, scale)
        return
    axes.text(x, y, meaning.title, fontsize=11 * POINT * scale, color=theme.muted, va="center")
    step = 120 / len(CIVIDIS)
    for number, colour in enumerate(reversed(CIVIDIS)):
        axes.add_patch(
            Rectangle((x, y + 16 + number * step), 16, step, facecolor=colour, edgecolor=colour, linewidth=0.3)
        )
    for place, text in meaning.scale:
        axes.text(
            x + 24,
            y + 16 + (1 - place) * 120,
            text,
            fontsize=11 * POINT * scale,
            color=theme.text,
            va="center_baseline",
        )
