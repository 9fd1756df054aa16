"""What modules cost, as strips beneath one another: each is as wide as its share of the module around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from pytest_torchgraph.drawing.colour import KIND_COLOURS, Theme, mix, theme
from pytest_torchgraph.drawing.describing import Describing
from pytest_torchgraph.drawing.errors import CannotDraw
from pytest_torchgraph.drawing.measure import MEANING, measured, total, written
from pytest_torchgraph.drawing.model import Node, build
from pytest_torchgraph.drawing.options import Options
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass

SMALLEST = 0.0005
"""The share of the whole below which a strip is left out."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One module call or operation; ``start`` and ``width`` are shares of the whole, ``row`` counts from the top."""

    title: str
    value: str
    lines: tuple[str, ...] = field(repr=False)
    fill: str
    border: str
    start: float
    width: float
    row: int
    parent: int | None
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Icicle:
    """The strips, each after the one that it lies beneath."""

    title: str
    theme: Theme
    strips: tuple[Strip, ...]
    legend: tuple[tuple[str, str, str], ...]

    @property
    def rows(self) -> int:
        """How many strips lie beneath one another at most."""
        return 1 + max(strip.row for strip in self.strips)


def icicle(graph: Graph, options: Options) -> Icicle:
    """*graph* by time, FLOPs, bytes made or operations: what is known of these first, unless one is asked for."""
    by = options.by or known_of(graph)
    growing = Growing(graph, by, measured(graph, by), theme(dark=options.dark))
    lanes = [lane for lane in build(graph, folded=not options.unfold).lanes if growing.size(lane) > 0]
    if not lanes:
        raise CannotDraw(f"nothing in this graph has {MEANING[by]}: choose one of time, memory, flops, operations")
    growing.root(graph.scopes[0].class_name, lanes)
    return Icicle(
        title=options.title or f"{graph.scopes[0].class_name}: {MEANING[by]} by module",
        theme=growing.theme,
        strips=tuple(growing.strips),
        legend=tuple(growing.legend()),
    )


def known_of(graph: Graph) -> str:
    """The most telling measure that *graph* has."""
    if graph.timing is not None:
        return "time"
    return "flops" if any(operation.flops for operation in graph.operations) else "operations"


class Growing:
    """Grows the strips of one icicle."""

    def __init__(self, graph: Graph, by: str, values: Sequence[float | None], theme: Theme) -> None:
        self.by, self.values, self.theme = by, values, theme
        self.describing = Describing(graph)
        self.strips: list[Strip] = []
        self.kinds: dict[str, None] = {}
        self.whole = 1.0

    def size(self, node: Node) -> float:
        """What *node* costs."""
        return total(self.values, node.operations)[0]

    def root(self, title: str, lanes: Sequence[Node]) -> None:
        """The strip of the whole run, and all beneath it."""
        self.whole = sum(map(self.size, lanes))
        plain = self.theme.plain, self.theme.line
        value = written(self.by, self.whole)
        self.strips.append(Strip(title, value, (title, value), *plain, 0.0, 1.0, 0, None, self.whole))
        self._beneath(lanes, 0, 0.0, 1)

    def _beneath(self, nodes: Sequence[Node], parent: int, start: float, row: int) -> None:
        for node in nodes:
            size = self.size(node)
            if size / self.whole >= SMALLEST:
                number = len(self.strips)
                self.strips.append(self._strip(node, parent, start, row, size))
                self._beneath(node.body.nodes if node.body else (), number, start, row + 1)
            start += size / self.whole

    def _strip(self, node: Node, parent: int, start: float, row: int, size: float) -> Strip:
        share = size / self.whole
        value = f"{written(self.by, size)}, {share:.1%}"
        colour, tint = self.theme.phases.get(node.phase, self.theme.muted), 0.3
        if node.body is None and node.kind:
            colour, tint = KIND_COLOURS[node.kind], 0.55
            self.kinds[node.kind] = None
        fill = mix(colour, self.theme.paper, max(tint - 0.03 * row, 0.12) if node.body else tint)
        lines = (*self.describing.lines(node), value)
        return Strip(node.title, value, lines, fill, colour, start, share, row, parent, size)

    def legend(self) -> Iterator[tuple[str, str, str]]:
        """Names of phases and of kinds with their colours."""
        first = [strip for strip in self.strips if strip.row == 1]
        yield from ((strip.title, strip.fill, strip.border) for strip in first)
        found = ((kind, colour) for kind, colour in KIND_COLOURS.items() if kind in self.kinds)
        yield from ((kind, mix(colour, self.theme.paper, 0.55), colour) for kind, colour in found)
