"""The layout engines: Graphviz's ``dot`` where it is installed, grandalf otherwise. Both draw in layers.

One request is the inside of one box; all lengths are in pixels, y grows downwards.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_torchgraph.drawing.errors import CannotDraw, require

Point: TypeAlias = tuple[float, float]
NODE_GAP, RANK_GAP, INCH = 16.0, 26.0, 72.0
STEPS, PIECE = 24, 10.0
"""Straight pieces that stand for one piece of a curve at most, and how long they are about."""


@dataclass(frozen=True, slots=True)
class Request:
    """Sizes of boxes, lines between them by position, and which stand in the first and in the last layer."""

    sizes: tuple[Point, ...]
    edges: tuple[tuple[int, int], ...]
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The whole size, the centre of every box, and the points of every line."""

    size: Point
    centres: tuple[Point, ...]
    lines: tuple[tuple[Point, ...], ...]


def arrange(requests: Sequence[Request]) -> list[Arrangement]:
    """Every request arranged, in their order."""
    if shutil.which("dot"):
        return list(by_dot(requests))
    require("grandalf")
    return [by_grandalf(request) for request in requests]


def by_dot(requests: Sequence[Request]) -> Iterator[Arrangement]:
    """Arranged by one run of Graphviz."""
    text = "\n".join(map(as_dot, requests))
    try:
        done = subprocess.run(
            ["dot", "-Tplain"],  # noqa: S607 -- whichever dot the user has
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise CannotDraw(f"Graphviz's dot could not lay out the graph: {said[0] if said else error}") from None
    graphs = [part.splitlines() for part in done.stdout.split("\nstop\n") if part.strip()]
    for request, lines in zip(requests, graphs, strict=True):
        yield from_plain(request, lines)


def as_dot(request: Request) -> str:
    """The request in Graphviz's language."""
    parts = [f"digraph {{ nodesep={NODE_GAP / INCH:.3f} ranksep={RANK_GAP / INCH:.3f} node [shape=box fixedsize=true];"]
    for number, (width, height) in enumerate(request.sizes):
        parts.append(f"n{number} [width={width / INCH:.4f} height={height / INCH:.4f} label=x];")
    for rank, members in (("source", request.first), ("sink", request.last)):
        if members:
            parts.append(f"{{ rank={rank}; {'; '.join(f'n{number}' for number in members)} }}")
    parts += [f"n{a} -> n{b} [arrowhead=none];" for a, b in request.edges]
    return "\n".join([*parts, "}"])


def from_plain(request: Request, lines: Iterable[str]) -> Arrangement:
    """The arrangement that ``dot -Tplain`` printed: inches, y upwards."""
    size, centres, routes = (0.0, 0.0), {}, {}
    for line in lines:
        head, *words = line.split()
        if head == "graph":
            size = float(words[1]) * INCH, float(words[2]) * INCH
        elif head == "node":
            centres[int(words[0][1:])] = float(words[1]) * INCH, size[1] - float(words[2]) * INCH
        elif head == "edge":
            numbers = [float(word) * INCH for word in words[3 : 3 + 2 * int(words[2])]]
            control = [(x, size[1] - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
            routes[int(words[0][1:]), int(words[1][1:])] = tuple(curve(control))
    places = tuple(centres[number] for number in range(len(request.sizes)))
    return Arrangement(size, places, tuple(routes[edge] for edge in request.edges))


def curve(control: Sequence[Point]) -> Iterator[Point]:
    """Points along a chain of cubic Bézier curves: the first point, then more for each curve, the longer it is."""
    yield control[0]
    for start in range(0, len(control) - 3, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = control[start : start + 4]
        if ax == bx == cx == dx:
            yield dx, dy
            continue
        steps = min(STEPS, 3 + int((abs(dx - ax) + abs(dy - ay)) / PIECE))
        for step in range(1, steps + 1):
            t = step / steps
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy


def by_grandalf(request: Request) -> Arrangement:
    """Arranged by Sugiyama's method; parts that no line joins stand side by side."""
    from grandalf.graphs import Edge, Graph, Vertex

    vertices = [Vertex(number) for number in range(len(request.sizes))]
    for vertex, (width, height) in zip(vertices, request.sizes, strict=True):
        vertex.view = View(width, height)
    edges = [Edge(vertices[a], vertices[b]) for a, b in request.edges]
    left, tallest = 0.0, 0.0
    centres: dict[int, Point] = {}
    for component in Graph(vertices, edges).C:
        placed = component_of(component)
        low = [min(x - request.sizes[n][0] / 2 for n, (x, _) in placed.items()),
               min(y - request.sizes[n][1] / 2 for n, (_, y) in placed.items())]  # fmt: skip
        for number, (x, y) in placed.items():
            centres[number] = x - low[0] + left, y - low[1]
        left = NODE_GAP + max(centres[number][0] + request.sizes[number][0] / 2 for number in placed)
        tallest = max(tallest, *(centres[number][1] + request.sizes[number][1] / 2 for number in placed))
    places = tuple(centres[number] for number in range(len(vertices)))
    return Arrangement((max(left - NODE_GAP, 1.0), tallest), places, tuple(straight(request, places)))


def component_of(component: Any) -> dict[int, Point]:
    """Centres of the boxes of one connected part."""
    from grandalf.layouts import SugiyamaLayout

    vertices = list(component.sV)
    if len(vertices) > 1:
        layout = SugiyamaLayout(component)
        layout.xspace, layout.yspace = NODE_GAP, RANK_GAP
        layout.init_all()
        layout.draw()
    return {vertex.data: (float(vertex.view.xy[0]), float(vertex.view.xy[1])) for vertex in vertices}


class View:
    """The size and place of a box, as grandalf wants to be told."""

    def __init__(self, width: float, height: float) -> None:
        self.w, self.h = width, height
        self.xy: Point = (width / 2, height / 2)


def straight(request: Request, centres: Sequence[Point]) -> Iterator[tuple[Point, ...]]:
    """A line from the lower edge of one box to the upper edge of the other, bent near both."""
    for a, b in request.edges:
        down = 1 if centres[a][1] <= centres[b][1] else -1
        (ax, ay), (bx, by) = centres[a], centres[b]
        start, end = ay + down * request.sizes[a][1] / 2, by - down * request.sizes[b][1] / 2
        middle = (start + end) / 2
        yield tuple(curve([(ax, start), (ax, middle), (bx, middle), (bx, end)]))
