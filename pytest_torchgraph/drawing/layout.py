"""Where everything in a picture stands: each box is laid out by itself, from the inside out.

So a module's inside looks the same wherever it stands, boxes never overlap, and ten thousand operations are many small
problems instead of a large one. Lengths are in pixels, y grows downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_torchgraph.drawing.engine import arrange
from pytest_torchgraph.drawing.model import Body, Node
from pytest_torchgraph.drawing.request import Arrangement, Point, Request
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import BACKWARD

TITLE, DETAIL = 11.0, 9.5
"""Heights of the two sizes of text."""
WIDE = 0.6
"""How wide a character of a sans-serif font is on average, against its height."""
BOLD = 1.15
"""How much wider bold text is."""
ARROW = 3.0
PAD, HEAD, PORT, LANE_GAP = 12.0, 24.0, 5.0, 36.0


@dataclass(frozen=True, slots=True)
class Box:
    """One box where it stands: ``x`` and ``y`` are its upper left corner; ``depth`` boxes lie around it.

    ``lane`` is the position of the lane it stands in.
    """

    node: Node
    x: float
    y: float
    width: float
    height: float
    depth: int
    lane: int

    @property
    def is_group(self) -> bool:
        """Whether boxes stand in it."""
        return self.node.body is not None


@dataclass(frozen=True, slots=True)
class Line:
    """The points of a line, an arrow at its end unless that is a port; ``owner`` is the position of the box around."""

    points: tuple[Point, ...]
    phase: str
    owner: int
    arrow: bool = True


@dataclass(frozen=True, slots=True)
class Port:
    """Where a value enters or leaves a box; ``owner`` is the position of the box."""

    x: float
    y: float
    owner: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture before anything is coloured; *ports* are where values enter and leave boxes."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    ports: tuple[Port, ...]


def lay_out(lanes: Sequence[Node]) -> Scene:
    """All *lanes* side by side; in a backward pass everything flows upwards, towards the input."""
    return Laying(lanes).scene()


def text_width(text: str, height: float) -> float:
    """Pixels that *text* takes, about."""
    return len(text) * height * WIDE


def size_of_leaf(node: Node) -> Point:
    """The size of a box that nothing stands in."""
    width = max(text_width(node.title, TITLE), text_width(node.detail, DETAIL)) + 18
    return max(width, 46.0), 34.0 if node.detail else 22.0


class Laying:
    """Lays out one picture; bodies of the same form are laid out once."""

    def __init__(self, lanes: Sequence[Node]) -> None:
        self.lanes = lanes
        self.sizes: dict[int, Point] = {}
        self.known: dict[Request, Arrangement] = {}
        self.requests: dict[int, Request] = {}
        self.boxes: list[Box] = []
        self.lines: list[Line] = []
        self.ports: list[Port] = []

    def scene(self) -> Scene:
        """Sizes from the inside out, then places from the outside in."""
        storeys: dict[int, list[Node]] = {}
        for lane in self.lanes:
            sort_by_height(lane, storeys)
        for height in sorted(storeys):
            self._measure(storeys[height], leaves=height == 0)
        x = 0.0
        tallest = max((self.sizes[id(lane)][1] for lane in self.lanes), default=0.0)
        for number, lane in enumerate(self.lanes):
            self._place(lane, (x, 0.0), 0, number)
            x += self.sizes[id(lane)][0] + LANE_GAP
        return Scene(max(x - LANE_GAP, 1), tallest, tuple(self.boxes), tuple(self.lines), tuple(self.ports))

    def _measure(self, nodes: Sequence[Node], *, leaves: bool) -> None:
        if leaves:
            self.sizes.update((id(node), size_of_leaf(node)) for node in nodes)
            return
        for node in nodes:
            assert node.body is not None
            self.requests[id(node)] = self._request(node.body)
        wanted = dict.fromkeys(self.requests[id(node)] for node in nodes)
        missing = [request for request in wanted if request not in self.known]
        self.known.update(zip(missing, arrange(missing) if missing else [], strict=True))
        for node in nodes:
            width, height = self.known[self.requests[id(node)]].size
            title = text_width(heading(node), TITLE) * BOLD + 2 * PAD
            self.sizes[id(node)] = max(width + 2 * PAD, title), height + HEAD + PAD

    def _request(self, body: Body) -> Request:
        """The inside of *body*; its ports are small boxes behind the others."""
        sizes = [self.sizes[id(node)] for node in body.nodes]
        edges = list(body.edges)
        first = range(len(sizes), len(sizes) + len(body.inputs))
        edges += [(port, node) for port, readers in zip(first, body.inputs, strict=True) for node in readers]
        last = range(first.stop, first.stop + len(body.outputs))
        edges += list(zip(body.outputs, last, strict=True))
        sizes += [(PORT, PORT)] * (len(first) + len(last))
        return Request(tuple(sizes), tuple(edges), tuple(first), tuple(last))

    def _place(self, node: Node, corner: Point, depth: int, lane: int) -> None:
        width, height = self.sizes[id(node)]
        number = len(self.boxes)
        self.boxes.append(Box(node, *corner, width, height, depth, lane))
        if node.body is None:
            return
        arrangement = self.known[self.requests[id(node)]]
        turn = Turn(corner, (width, height), arrangement.size, upwards=node.phase == BACKWARD)
        inner = list(zip(node.body.nodes, arrangement.centres, strict=False))
        for child, centre in inner:
            x, y = turn.point(centre)
            child_width, child_height = self.sizes[id(child)]
            self._place(child, (x - child_width / 2, y - child_height / 2), depth + 1, lane)
        self.ports += [Port(*turn.point(centre), number) for centre in arrangement.centres[len(inner) :]]
        leaving = len(inner) + len(node.body.inputs)
        for (_, end), points in zip(self.requests[id(node)].edges, arrangement.lines, strict=True):
            self.lines.append(Line(tuple(map(turn.point, points)), node.phase, number, arrow=end < leaving))


class Turn:
    """From the coordinates of a box's inside to those of the picture."""

    def __init__(self, corner: Point, size: Point, inside: Point, *, upwards: bool) -> None:
        self.x = corner[0] + (size[0] - inside[0]) / 2
        self.y = corner[1] + HEAD + (inside[1] if upwards else 0)
        self.sign = -1 if upwards else 1

    def point(self, point: Point) -> Point:
        """Where *point* of the inside stands."""
        return self.x + point[0], self.y + self.sign * point[1]


def arrow(line: Line) -> tuple[Point, Point, Point]:
    """The three corners of the head at the end of *line*, in the direction in which it arrives."""
    (bx, by), (ax, ay) = line.points[-1], line.points[-2]
    length = math.hypot(bx - ax, by - ay) or 1.0
    across, down = (bx - ax) / length * ARROW, (by - ay) / length * ARROW
    x, y = bx - 2 * across, by - 2 * down
    return (bx, by), (x - down, y + across), (x + down, y - across)


def heading(node: Node) -> str:
    """The text in the head of a box with others in it."""
    return f"{node.title}  ·  {node.detail}" if node.role == "phase" else node.title


def sort_by_height(node: Node, storeys: dict[int, list[Node]]) -> int:
    """Add *node* and all in it to *storeys*, by how many storeys of boxes stand in it."""
    height = 0
    if node.body is not None:
        height = 1 + max((sort_by_height(child, storeys) for child in node.body.nodes), default=0)
    storeys.setdefault(height, []).append(node)
    return height
