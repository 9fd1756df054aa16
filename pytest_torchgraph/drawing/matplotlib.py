"""Pictures for paper: matplotlib figures that become PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.drawing import sheet
from pytest_torchgraph.drawing.colour import CIVIDIS, Theme
from pytest_torchgraph.drawing.errors import require
from pytest_torchgraph.drawing.icicle import HEIGHT as STRIP
from pytest_torchgraph.drawing.layout import DETAIL, HEAD, PORT, TITLE, heading
from pytest_torchgraph.drawing.measure import Timings, scaled
from pytest_torchgraph.drawing.paint import Look, caption
from pytest_torchgraph.graph.graph import Graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONTS = ["Inter", "Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]
PIXEL, LARGEST, READABLE = 1 / 96, 200.0, 2.0
"""Inches of a pixel, inches of the largest side of a figure, points of the smallest text that is drawn."""


def draw(
    graph: Graph,
    *,
    what: str = "graph",
    color_by: str = "kind",
    folded: bool = True,
    title: str | None = None,
    timings: Timings | None = None,
    dark: bool = False,
    depth: int | None = None,
    before: Graph | None = None,
    changes: Mapping[int, str] | None = None,
) -> Figure:
    """A figure of *graph*; the arguments are those of :func:`pytest_torchgraph.drawing.plotly.draw`."""
    require("matplotlib")
    from matplotlib import rc_context

    asked = sheet.Asked(
        what=what, color_by=color_by, folded=folded, title=title, timings=timings, dark=dark, depth=depth,
        before=before, changes=changes,
    )  # fmt: skip
    with rc_context({"font.family": "sans-serif", "font.sans-serif": FONTS}):
        return DRAWN[what](graph, asked) if what in DRAWN else asked.refuse()
