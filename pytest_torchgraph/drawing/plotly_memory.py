"""Live bytes over a run, interactive."""

from __future__ import annotations

from itertools import accumulate
from operator import add

from plotly import graph_objects

from pytest_torchgraph.drawing.plotly_page import Picture, bare
from pytest_torchgraph.drawing.timeline import Timeline
from pytest_torchgraph.verdict.quantity import bytes_text


def figure(timeline: Timeline) -> Picture:
    """Categories on top of one another, the phases above them, the peak marked and named."""
    made = bare(timeline.theme, timeline.title)
    made.add_traces(list(areas(timeline)))
    phases(made, timeline)
    peak(made, timeline)
    grid = {"gridcolor": timeline.theme.grid, "zeroline": False, "linecolor": timeline.theme.line}
    made.update_xaxes(title="operation", **grid)
    made.update_yaxes(title=timeline.unit[0], rangemode="tozero", **grid)
    made.update_layout(
        margin={"l": 70, "b": 60, "t": 100}, hovermode="x", dragmode="zoom", legend={"traceorder": "reversed"}
    )
    return made


def areas(timeline: Timeline) -> list[graph_objects.Scatter]:
    """One area for each category; the lowest tells the operation and the sum."""
    sums = list(accumulate((band.bytes for band in timeline.bands), lambda a, b: tuple(map(add, a, b))))
    whole = sums[-1] if sums else ()
    unit = timeline.unit[1]
    return [
        graph_objects.Scatter(
            y=[count / unit for count in band.bytes],
            name=band.name,
            stackgroup="bytes",
            mode="lines",
            line={"width": 0, "shape": "hv", "color": band.colour},
            fillcolor=band.colour,
            customdata=[
                [bytes_text(count), f"<br>{name}<br>all together {bytes_text(total)}" if number == 0 else ""]
                for count, name, total in zip(band.bytes, timeline.names, whole, strict=True)
            ],
            hovertemplate="%{customdata[0]}%{customdata[1]}",
        )
        for number, band in enumerate(timeline.bands)
    ]


def phases(made: Picture, timeline: Timeline) -> None:
    """A bar above each phase, and its name where there is room."""
    whole = len(timeline.names)
    for name, start, end in timeline.phases:
        colour = timeline.theme.phases.get(name, timeline.theme.muted)
        made.add_shape(
            type="rect", x0=start + 1, x1=end + 1, y0=1.0, y1=1.012, yref="paper", fillcolor=colour, line_width=0
        )
        if (end - start) / whole > len(name) * 0.011:
            made.add_annotation(
                x=(start + end) / 2 + 1,
                y=1.012,
                yref="paper",
                text=name,
                showarrow=False,
                yanchor="bottom",
                font_color=colour,
            )


def peak(made: Picture, timeline: Timeline) -> None:
    """A line at the peak, and an arrow that names it."""
    theme, height = timeline.theme, timeline.peak / timeline.unit[1]
    left = timeline.peak_at > len(timeline.names) / 2
    made.add_hline(y=height, line={"color": theme.muted, "width": 1, "dash": "dash"})
    made.add_annotation(
        x=timeline.peak_at, y=height, text=f"<b>{timeline.peak_text}</b>", ax=-30 if left else 30, ay=-24,
        xanchor="right" if left else "left", arrowcolor=theme.text, bgcolor=theme.paper, arrowhead=6,
    )  # fmt: skip
    made.update_yaxes(range=[0, height * 1.16 or 1])
