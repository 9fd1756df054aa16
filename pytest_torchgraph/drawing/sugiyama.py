"""Layered layout by Sugiyama's method, as grandalf does it; parts that no line joins stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout

from pytest_torchgraph.drawing.request import NODE_GAP, RANK_GAP, Arrangement, Point, Request, curve


class Place:
    """The size and place of a box, as grandalf wants to be told."""

    def __init__(self, width: float, height: float) -> None:
        self.w, self.h = width, height
        self.xy: Point = (width / 2, height / 2)


class Route:
    """The points of a line: its ends, and where it passes the layers between."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def setpath(self, points: list[Point]) -> None:
        """Called by grandalf."""
        self.points = [(float(x), float(y)) for x, y in points]


def by_grandalf(request: Request) -> Arrangement:
    """The request arranged."""
    vertices = [Vertex(number) for number in range(len(request.sizes))]
    for vertex, size in zip(vertices, request.sizes, strict=True):
        vertex.view = Place(*size)
    edges = [Edge(vertices[a], vertices[b]) for a, b in request.edges]
    for edge in edges:
        edge.view = Route()
    left, tallest = 0.0, 0.0
    for component in Graph(vertices, edges).C:
        members = list(component.sV)
        lay_out(component, members)
        width, height = pushed(members, [edge.view for edge in component.sE], left)
        left, tallest = left + width + NODE_GAP, max(tallest, height)
    centres = tuple(vertex.view.xy for vertex in vertices)
    lines = tuple(tuple(line(edge, vertices)) for edge in edges)
    return Arrangement((max(left - NODE_GAP, 1.0), tallest), centres, lines)


def lay_out(component: Any, members: Sequence[Any]) -> None:
    """Give every box of one connected part its place, and every line its points."""
    if len(members) > 1:
        layout = SugiyamaLayout(component)
        layout.xspace, layout.yspace = NODE_GAP, RANK_GAP
        layout.init_all()
        layout.draw()


def pushed(members: Sequence[Any], routes: Sequence[Route], left: float) -> Point:
    """Move one part so that it begins at *left* and at the top; how wide and high it is."""
    views = [vertex.view for vertex in members]
    xs = [x for route in routes for x, _ in route.points]
    low = min([view.xy[0] - view.w / 2 for view in views] + xs)
    top = min(view.xy[1] - view.h / 2 for view in views)
    for view in views:
        view.xy = float(view.xy[0] - low + left), float(view.xy[1] - top)
    for route in routes:
        route.points = [(x - low + left, y - top) for x, y in route.points]
    right = max([view.xy[0] + view.w / 2 for view in views] + [x for route in routes for x, _ in route.points])
    return right - left, max(view.xy[1] + view.h / 2 for view in views)


def line(edge: Any, vertices: Sequence[Any]) -> Iterator[Point]:
    """From the edge of one box to that of the other, straight through the layers between."""
    start, end = edge.v[0].view, edge.v[1].view
    down = 1 if start.xy[1] <= end.xy[1] else -1
    stops = [(start.xy[0], start.xy[1] + down * start.h / 2)]
    for x, y in edge.view.points[1:-1]:
        half = max((vertex.view.h for vertex in vertices if abs(vertex.view.xy[1] - y) < 0.5), default=0.0) / 2
        stops += [(x, y - down * half), (x, y + down * half)]
    stops.append((end.xy[0], end.xy[1] - down * end.h / 2))
    yield stops[0]
    for (ax, ay), (bx, by) in pairwise(stops):
        yield from list(curve([(ax, ay), (ax, (ay + by) / 2), (bx, (ay + by) / 2), (bx, by)]))[1:]
