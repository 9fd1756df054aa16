"""The layout engines: Graphviz's ``dot`` where it is installed, grandalf otherwise. Both draw in layers.

One request is the inside of one box; all lengths are in pixels, y grows downwards.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence

from pytest_torchgraph.drawing.errors import CannotDraw, require
from pytest_torchgraph.drawing.request import NODE_GAP, RANK_GAP, Arrangement, Request, curve

INCH = 72.0


def arrange(requests: Sequence[Request]) -> list[Arrangement]:
    """Every request arranged, in their order."""
    if shutil.which("dot"):
        return list(by_dot(requests))
    require("grandalf")
    from pytest_torchgraph.drawing.sugiyama import by_grandalf

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
