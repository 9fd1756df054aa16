"""A graph, interactive: wheel and drag, hover, a click on a module's name closes and opens it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from html import escape
from typing import Any

from pytest_torchgraph.drawing.colour import CIVIDIS, LIGHT, mix
from pytest_torchgraph.drawing.diagram import Describer, Diagram, View
from pytest_torchgraph.drawing.layout import DETAIL, HEAD, PAD, TITLE, Box, Scene, arrow, heading
from pytest_torchgraph.drawing.paint import Look, caption
from pytest_torchgraph.drawing.plotly_page import Picture, bare, hover, script

WIDTH, HEIGHT = 1180.0, 700.0
"""Pixels that the picture has at first, about."""
SMALLEST = 0.62
"""The scale at which text can just be read."""
BUTTON = "#d0d7de"
"""Plotly paints the button that is pressed nearly white, whatever the theme."""
MOST = 20_000
"""Boxes in all the depths of one page."""
FLAT = {"hoverinfo": "skip", "showlegend": False, "cliponaxis": True}


def figure(diagram: Diagram) -> Picture:
    """The picture at every depth, one of them shown; buttons choose it."""
    made = bare(diagram.theme, diagram.title, diagram.note)
    describer = diagram.describing()
    depths = depths_of(diagram)
    groups = {depth: list(Traces(diagram.at(depth), describer, diagram).traces()) for depth in depths}
    for depth, traces in groups.items():
        for trace in traces:
            trace["visible"] = depth == diagram.depth
    # Plotly checks every point of a trace that is handed over one by one; the whole is checked in one pass.
    made.add_traces([trace for traces in groups.values() for trace in traces])
    frame(made, diagram)
    if len(depths) > 1:
        made.update_layout(updatemenus=[buttons(diagram, groups)])
    made.script = script("plotly_graph.js")
    return made


def depths_of(diagram: Diagram) -> list[int]:
    """The depths that a page has room for; that which is shown is always one."""
    room = MOST - diagram.boxes(diagram.depth)
    chosen = [diagram.depth]
    for depth in range(1, diagram.deepest + 1):
        if depth != diagram.depth and diagram.boxes(depth) <= room:
            room -= diagram.boxes(depth)
            chosen.append(depth)
    return sorted(chosen)


def buttons(diagram: Diagram, groups: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """One button for each depth."""
    every = [(depth, trace) for depth, traces in groups.items() for trace in traces]
    return {
        "type": "buttons", "direction": "right", "x": 1, "xanchor": "right", "y": 1.01, "yanchor": "bottom",
        "active": list(groups).index(diagram.depth), "bgcolor": BUTTON, "bordercolor": diagram.theme.line,
        "font": {"color": LIGHT.text, "size": 11}, "showactive": True, "pad": {"b": 4},
        "buttons": [
            {
                "label": "all open" if depth == diagram.deepest else f"depth {depth}",
                "method": "update",
                "args": [{"visible": [owner == depth for owner, _ in every]}],
            }
            for depth in groups
        ],
    }  # fmt: skip


def frame(made: Picture, diagram: Diagram) -> None:
    """Axes in pixels of the picture, y downwards, showing all of it or, if that were too small, its top."""
    scene = diagram.at(diagram.depth).scene
    scale = min(1.0, max(SMALLEST, min(WIDTH / (scene.width + 40), HEIGHT / (scene.height + 40))))
    across, down = WIDTH / scale, HEIGHT / scale
    left = (scene.width - across) / 2 if scene.width + 40 <= across else -20
    fits = scene.height + 40 <= down
    top = scene.height / 2 - down / 2 if fits else -20
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    made.update_xaxes(range=[left, left + across], **hidden)
    made.update_yaxes(range=[top + down, top], scaleanchor="x", scaleratio=1, **hidden)
    made.update_layout(
        dragmode="pan", hovermode="closest", hoverdistance=40,
        legend={"itemclick": False, "itemdoubleclick": False},
        meta={"scale": scale},
    )  # fmt: skip


class Traces:
    """The traces of one view. What looks alike is one trace; ``meta`` tells the script whose each part is."""

    def __init__(self, view: View, describer: Describer, diagram: Diagram) -> None:
        self.view, self.describer, self.diagram = view, describer, diagram
        self.boxes = view.scene.boxes
        self.looks = [view.painter.look(box) for box in self.boxes]
        self.parents = list(parents(view.scene))

    def traces(self) -> Iterator[dict[str, Any]]:
        """From what lies lowest to what lies on top."""
        groups = [number for number, box in enumerate(self.boxes) if box.is_group]
        leaves = [number for number, box in enumerate(self.boxes) if not box.is_group]
        yield from self._outlines(groups, lambda number: (self.boxes[number].depth, *outline(self.looks[number])))
        yield from self._lines()
        yield self._ports()
        yield from self._outlines(leaves, lambda number: outline(self.looks[number]))
        yield from self._texts(groups, leaves)
        yield self._hovers()
        yield from self._legend()

    def _outlines(self, numbers: Sequence[int], key: Callable[[int], Hashable]) -> Iterator[dict[str, Any]]:
        for members in alike(sorted(numbers, key=lambda number: self.boxes[number].depth), key):
            look = self.looks[members[0]]
            points = [point for number in members for point in (*corners(self.boxes[number]), (None, None))]
            yield {
                "type": "scatter", "mode": "lines", "fill": "toself", "fillcolor": look.fill,
                **FLAT, **coordinates(points), "line": {"color": look.border, "width": 1.2},
                "meta": {"owners": members, "each": 6, "of": "boxes"},
            }  # fmt: skip

    def _lines(self) -> Iterator[dict[str, Any]]:
        theme = self.diagram.theme
        scene = self.view.scene
        for members in alike(range(len(scene.lines)), lambda number: scene.lines[number].phase):
            lines = [scene.lines[number] for number in members]
            colour = mix(theme.phases.get(lines[0].phase, theme.muted), theme.paper, 0.75)
            points = [point for line in lines for point in (*line.points, (None, None))]
            cuts = [len(line.points) + 1 for line in lines]
            inside = [line.owner for line in lines]
            meta: dict[str, Any] = {"owners": inside, "cuts": cuts, "of": "inside"}
            yield {"type": "scatter", "mode": "lines", **FLAT, **coordinates(points),
                   "line": {"color": colour, "width": 1.1}, "meta": meta}  # fmt: skip
            heads = [(line, inside[number]) for number, line in enumerate(lines) if line.arrow]
            points = [point for line, _ in heads for point in (*arrow(line), (None, None))]
            meta = {"owners": [owner for _, owner in heads], "each": 4, "of": "inside"}
            yield {"type": "scatter", "mode": "lines", "fill": "toself", "fillcolor": colour, **FLAT,
                   **coordinates(points), "line": {"width": 0}, "meta": meta}  # fmt: skip

    def _ports(self) -> dict[str, Any]:
        """A dot wherever a value enters or leaves a box."""
        ports = self.view.scene.ports
        return {
            "type": "scatter", "mode": "markers", "marker": {"size": 4, "color": self.diagram.theme.line}, **FLAT,
            **coordinates([(port.x, port.y) for port in ports]),
            "meta": {"owners": [port.owner for port in ports], "each": 1, "of": "inside"},
        }  # fmt: skip

    def _texts(self, groups: Sequence[int], leaves: Sequence[int]) -> Iterator[dict[str, Any]]:
        def ink(number: int) -> str:
            return self.looks[number].ink

        for members in alike(groups, ink):
            spots = [(self.boxes[number].x + PAD, self.boxes[number].y + HEAD / 2) for number in members]
            words = [f"<b>{escape(heading(self.boxes[number].node))}</b>" for number in members]
            yield text(members, spots, words, ink(members[0]), TITLE, "middle right")
        for members in alike(leaves, ink):
            spots = [title_spot(self.boxes[number]) for number in members]
            yield text(members, spots, [escape(caption(self.boxes[n])) for n in members], ink(members[0]), TITLE)
        detailed = [number for number in leaves if self.boxes[number].node.detail]
        for members in alike(detailed, lambda number: self.looks[number].muted):
            spots = [(x, y + 14) for x, y in (title_spot(self.boxes[number]) for number in members)]
            words = [escape(self.boxes[number].node.detail) for number in members]
            yield text(members, spots, words, self.looks[members[0]].muted, DETAIL)

    def _hovers(self) -> dict[str, Any]:
        """Where the pointer finds boxes: in the middle, or at the name of a module."""
        spots = [
            (box.x + min(box.width, 120) / 2, box.y + HEAD / 2) if box.is_group
            else (box.x + box.width / 2, box.y + box.height / 2)
            for box in self.boxes
        ]  # fmt: skip
        told = [hover(list(self.describer.lines(box))) for box in self.boxes]
        kept: dict[str, Any] = {
            "owners": list(range(len(self.boxes))), "each": 1, "of": "boxes", "parents": self.parents,
            "groups": [box.is_group for box in self.boxes],
        }  # fmt: skip
        return {
            "type": "scatter", "mode": "markers", "marker": {"size": 26, "opacity": 0}, "hovertext": told,
            "hoverinfo": "text", "showlegend": False, **coordinates(spots), "meta": kept,
        }  # fmt: skip

    def _legend(self) -> Iterator[dict[str, Any]]:
        meaning = self.view.painter.legend
        nowhere: dict[str, Any] = {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "hoverinfo": "skip"}
        if meaning.scale:
            steps = [[number / (len(CIVIDIS) - 1), colour] for number, colour in enumerate(CIVIDIS)]
            places, words = zip(*meaning.scale, strict=True)
            bar = {"title": {"text": f"{meaning.title}<br> "}, "tickvals": places, "ticktext": words, "len": 0.5,
                   "thickness": 14, "outlinewidth": 0, "y": 1, "yanchor": "top"}  # fmt: skip
            marker = {"color": [0], "cmin": 0, "cmax": 1, "colorscale": steps, "showscale": True, "colorbar": bar}
            yield {**nowhere, "marker": marker, "showlegend": False}
        for name, fill, border in meaning.entries:
            marker = {"symbol": "square", "size": 12, "color": fill, "line": {"color": border, "width": 1}}
            yield {**nowhere, "marker": marker, "name": name, "showlegend": True}


def text(owners: list[int], spots: list[tuple[float, float]], words: list[str], colour: str, size: float,
         place: str = "middle center") -> dict[str, Any]:  # fmt: skip
    """Words at their places; the script keeps their size in step with the zoom."""
    return {
        "type": "scatter", "mode": "text", "text": words, "textposition": place, **FLAT, **coordinates(spots),
        "textfont": {"color": colour, "size": size}, "meta": {"owners": owners, "each": 1, "of": "boxes", "size": size},
    }  # fmt: skip


def alike(numbers: Iterable[int], key: Callable[[int], Hashable]) -> Iterable[list[int]]:
    """*numbers* in lists of equal *key*, in order of first appearance."""
    found: dict[Hashable, list[int]] = {}
    for number in numbers:
        found.setdefault(key(number), []).append(number)
    return found.values()


def coordinates(points: Sequence[tuple[float | None, float | None]]) -> dict[str, list[float | None]]:
    """The two axes, to a tenth of a pixel."""
    return {
        axis: [None if point[at] is None else round(point[at] or 0.0, 1) for point in points]
        for at, axis in enumerate("xy")
    }


def corners(box: Box) -> tuple[tuple[float, float], ...]:
    """The outline of *box*."""
    right, low = box.x + box.width, box.y + box.height
    return (box.x, box.y), (right, box.y), (right, low), (box.x, low), (box.x, box.y)


def outline(look: Look) -> tuple[str, str]:
    """What two outlines share that are drawn as one."""
    return look.fill, look.border


def title_spot(box: Box) -> tuple[float, float]:
    """Where the middle of the title of a box stands that nothing stands in."""
    return box.x + box.width / 2, box.y + box.height / 2 - (7 if box.node.detail else 0)


def parents(scene: Scene) -> Iterator[int]:
    """For each box, the position of the box around it, -1 for none; boxes come before what stands in them."""
    around: list[int] = []
    for number, box in enumerate(scene.boxes):
        del around[box.depth :]
        yield around[-1] if around else -1
        around.append(number)
