"""What modules cost, interactive: a click on a strip opens it."""

from __future__ import annotations

from html import escape

from plotly import graph_objects

from pytest_torchgraph.drawing.icicle import Icicle
from pytest_torchgraph.drawing.plotly_page import Picture, bare, hover


def figure(icicle: Icicle) -> Picture:
    """The strips, the whole at the top."""
    made = bare(icicle.theme, icicle.title, "click a strip to open it")
    strips = icicle.strips
    made.add_trace(
        graph_objects.Icicle(
            ids=[str(number) for number in range(len(strips))],
            labels=[escape(strip.title) for strip in strips],
            parents=["" if strip.parent is None else str(strip.parent) for strip in strips],
            values=[strip.size for strip in strips],
            text=[strip.value for strip in strips],
            hovertext=[hover(list(strip.lines)) for strip in strips],
            hoverinfo="text",
            textinfo="label+text",
            textfont={"color": icicle.theme.text},
            branchvalues="total",
            sort=False,
            tiling={"orientation": "v", "pad": 1},
            marker={"colors": [strip.fill for strip in strips], "line": {"width": 0.5, "color": icicle.theme.paper}},
            root={"color": icicle.theme.paper},
            domain={"x": [0, 0.99]},
        )
    )
    for name, fill, border in icicle.legend:
        marker = {"symbol": "square", "size": 12, "color": fill, "line": {"color": border, "width": 1}}
        made.add_trace(graph_objects.Scatter(x=[None], y=[None], mode="markers", name=name, marker=marker))
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    made.update_layout(legend={"itemclick": False, "itemdoubleclick": False})
    return made
