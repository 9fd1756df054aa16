"""A picture of a graph, by either renderer, as a figure or as a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytest_torchgraph.diff.same import Same
from pytest_torchgraph.drawing.diagram import diagram
from pytest_torchgraph.drawing.dot import dot_text
from pytest_torchgraph.drawing.errors import CannotDraw, require, require_known
from pytest_torchgraph.drawing.icicle import icicle
from pytest_torchgraph.drawing.options import FORMATS, RENDERERS, Options
from pytest_torchgraph.drawing.saving import format_of, require_writable
from pytest_torchgraph.drawing.timeline import timeline
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.snapshot.saving import write_whole


def draw(  # noqa: PLR0913 -- each is one thing to ask for
    graph: Graph,
    renderer: str = "plotly",
    *,
    picture: str = "graph",
    by: str | None = None,
    unfold: bool = False,
    depth: int | None = None,
    before: Graph | None = None,
    same: Same | None = None,
    dark: bool = False,
    title: str | None = None,
) -> Any:
    """A figure of plotly, which is interactive, or of matplotlib, for print.

    *picture* is ``graph`` (operations in their modules), ``memory`` (live bytes by category over the run), ``icicle``
    (what modules cost) or ``compare`` (the graph *before* beside *graph*, changes marked). Operations are coloured *by*
    ``kind``, ``time``, ``memory`` (bytes made), ``flops`` or ``change`` (against *before*); an icicle is as wide as
    ``time``, ``memory``, ``flops`` or ``operations`` say. *same* says which module before is which, where the names
    do not tell: ``{"layers.*.attn": "blocks.*.attention"}``.
    Repeated layers are drawn once unless *unfold*. Modules are open *depth* boxes deep: as deep as can be read, unless
    it is given.

    Raises :class:`CannotDraw` for what the graph does not hold or nobody knows, and :class:`ExtraMissing` where a
    library is not installed; both messages say what helps.
    """
    require_known("renderer", renderer, RENDERERS)
    options = Options(
        picture=picture, by=by, unfold=unfold, depth=depth, before=before, same=same, dark=dark, title=title
    )
    require(renderer)
    return by_plotly(graph, options) if renderer == "plotly" else by_matplotlib(graph, options)


def by_plotly(graph: Graph, options: Options) -> Any:
    """A figure of plotly; its HTML has what plotly alone cannot do."""
    from pytest_torchgraph.drawing import plotly_graph, plotly_icicle, plotly_memory

    if options.picture == "memory":
        return plotly_memory.figure(timeline(graph, options))
    if options.picture == "icicle":
        return plotly_icicle.figure(icicle(graph, options))
    return plotly_graph.figure(diagram(graph, options))


def by_matplotlib(graph: Graph, options: Options) -> Any:
    """A figure of matplotlib, in the size in which its text can be read."""
    from pytest_torchgraph.drawing import matplotlib_graph, matplotlib_icicle, matplotlib_memory

    if options.picture == "memory":
        return matplotlib_memory.figure(timeline(graph, options))
    if options.picture == "icicle":
        return matplotlib_icicle.figure(icicle(graph, options))
    return matplotlib_graph.figure(diagram(graph, options))


def save(graph: Graph, path: str | os.PathLike[str], **options: Any) -> str:
    """Write a picture of *graph* to *path*, and return that path; *options* are those of :func:`draw`.

    The suffix is the format: ``html`` is drawn by plotly and needs nothing from the network, ``png``, ``svg`` and
    ``pdf`` by matplotlib, ``dot`` is text. A failure leaves what was there before.
    """
    path = Path(path)
    suffix = format_of(path)
    require_writable(path)
    if suffix == "dot":
        if options.pop("picture", "graph") != "graph":
            raise CannotDraw(f"DOT holds a graph and no other picture: choose one of {', '.join(FORMATS[:-1])}")
        write_whole(path, dot_text(graph, unfold=bool(options.get("unfold"))).encode())
    elif suffix == "html":
        page = draw(graph, "plotly", **options).to_html(include_plotlyjs=True)
        write_whole(path, page.encode())
    else:
        from pytest_torchgraph.drawing.matplotlib_paper import rendered

        write_whole(path, rendered(draw(graph, "matplotlib", **options), suffix))
    return str(path)
