"""What a layout engine is asked for, and what it answers. Lengths are in pixels, y grows downwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pytest_torchgraph.quick import dataclass

Point: TypeAlias = tuple[float, float]
NODE_GAP, RANK_GAP = 16.0, 26.0
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
