"""Live bytes over a run, on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from pytest_torchgraph.drawing.colour import mix
from pytest_torchgraph.drawing.matplotlib_paper import INCH, fonts
from pytest_torchgraph.drawing.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 1000.0, 480.0


def figure(timeline: Timeline) -> Figure:
    """Categories on top of one another, the phases behind them, the peak marked and named."""
    with fonts():
        theme = timeline.theme
        made = Figure(figsize=(WIDTH / INCH, HEIGHT / INCH), facecolor=theme.paper, dpi=INCH)
        axes = made.add_axes((0.075, 0.12, 0.735, 0.72), facecolor=theme.paper)
        areas(axes, timeline)
        phases(axes, timeline)
        peak(axes, timeline)
        frame(axes, timeline)
        made.text(0.075, 0.93, timeline.title, fontsize=14, weight="bold", color=theme.text, va="center")
    return made


def areas(axes: Axes, timeline: Timeline) -> None:
    """One area for each category; the legend names them from the top down, as they lie."""
    unit = timeline.unit[1]
    low = [0.0] * len(timeline.names)
    places = range(len(timeline.names))
    for band in timeline.bands:
        high = [below + count / unit for below, count in zip(low, band.bytes, strict=True)]
        axes.fill_between(places, low, high, step="post", color=band.colour, linewidth=0, label=band.name)
        low = high
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9,
        labelcolor=timeline.theme.text,
    )  # fmt: skip


def phases(axes: Axes, timeline: Timeline) -> None:
    """A line where a phase begins, and the names of those that are wide enough for them."""
    theme, whole = timeline.theme, len(timeline.names)
    for name, start, end in timeline.phases:
        colour = theme.phases.get(name, theme.muted)
        axes.axvspan(start + 1, end + 1, ymin=0.985, ymax=1.0, color=colour, linewidth=0)
        if start:
            axes.axvline(start + 1, color=mix(colour, theme.paper, 0.5), linewidth=0.8)
        if (end - start) / whole > len(name) * 0.011:
            where = axes.get_xaxis_transform()
            axes.text((start + end) / 2 + 1, 1.015, name, transform=where, color=colour, fontsize=9, ha="center")


def peak(axes: Axes, timeline: Timeline) -> None:
    """A dot at the peak with its size and its operation, on the side that has room."""
    theme, height = timeline.theme, timeline.peak / timeline.unit[1]
    left = timeline.peak_at > len(timeline.names) / 2
    axes.plot([timeline.peak_at], [height], marker="o", markersize=5, color=theme.text, zorder=5)
    axes.axhline(height, color=theme.muted, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate(
        timeline.peak_text, (timeline.peak_at, height), xytext=(-8 if left else 8, 7), textcoords="offset points",
        ha="right" if left else "left", va="bottom", fontsize=10, color=theme.text, weight="bold",
        bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 1},
    )  # fmt: skip
    axes.set_ylim(0, height * 1.16 or 1)


def frame(axes: Axes, timeline: Timeline) -> None:
    """What the axes are."""
    theme = timeline.theme
    axes.set_xlim(0, max(len(timeline.names) - 1, 1))
    axes.set_xlabel("operation", color=theme.muted)
    axes.set_ylabel(timeline.unit[0], color=theme.muted)
    axes.tick_params(colors=theme.muted, labelsize=9)
    for name, spine in axes.spines.items():
        spine.set_visible(name in {"left", "bottom"})
        spine.set_color(theme.line)
