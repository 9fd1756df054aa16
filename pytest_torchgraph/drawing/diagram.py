"""A graph as boxes and lines, ready for a renderer: what is drawn, and what every box says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from pytest_torchgraph.drawing.colour import Theme, theme
from pytest_torchgraph.drawing.describing import Describing
from pytest_torchgraph.drawing.errors import CannotDraw
from pytest_torchgraph.drawing.layout import Box, Scene, lay_out
from pytest_torchgraph.drawing.marks import Marks, marks_of
from pytest_torchgraph.drawing.measure import MEASURES, measured
from pytest_torchgraph.drawing.model import Node, build, closed, collapsed, drawn, levels
from pytest_torchgraph.drawing.options import Options
from pytest_torchgraph.drawing.paint import Painter
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import PHASES
from pytest_torchgraph.words.counting import times

READABLE = 400
"""Boxes of a picture at most, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class View:
    """The picture with modules open down to one depth."""

    scene: Scene
    painter: Painter


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """The whole picture; *graphs* and *costs* are those of each lane, *depth* how deep modules are open at first."""

    title: str
    note: str
    theme: Theme
    by: str
    lanes: tuple[Node, ...]
    graphs: tuple[Graph, ...] = field(repr=False)
    costs: tuple[list[float | None], ...] = field(repr=False)
    depth: int

    @property
    def deepest(self) -> int:
        """The depth at which every module is open."""
        return max((levels(lane) - 1 for lane in self.lanes), default=1)

    def boxes(self, depth: int) -> int:
        """How many boxes the picture has at *depth*."""
        return sum(drawn(collapsed(lane, depth)) for lane in self.lanes)

    def at(self, depth: int) -> View:
        """The picture with modules open down to *depth*."""
        scene = lay_out([collapsed(lane, depth) for lane in self.lanes])
        return View(scene, Painter(self.by, self.theme, self.costs, scene))

    def describing(self) -> Describer:
        """What the boxes of any view say."""
        return Describer({id(graph): Describing(graph) for graph in self.graphs}, self.graphs)


@dataclass(frozen=True, slots=True)
class Describer:
    """Describes the boxes of all lanes."""

    known: dict[int, Describing]
    graphs: tuple[Graph, ...]

    def lines(self, box: Box) -> Iterator[str]:
        """Plain lines of text about *box*."""
        return self.known[id(self.graphs[box.lane])].lines(box.node)


def diagram(graph: Graph, options: Options) -> Diagram:
    """The picture of *graph* alone, of what changed in it, or of it beside the graph before."""
    compares = options.picture == "compare"
    by = options.by or ("change" if compares or options.before is not None else "kind")
    if options.before is None and (compares or by == "change"):
        raise CannotDraw("changes need a second graph: give the one before as before=, or --before")
    marks = marks_of(options.before, graph, options.same or {}) if options.before is not None else None
    pairs = list(beside(options.before, graph, marks, options)) if compares and options.before else None
    if pairs is None:
        model = build(graph, folded=not options.unfold, changes=marks.after if marks else None)
        pairs = [(lane, graph) for lane in model.lanes]
    return finished(pairs, by, marks, options)


def beside(before: Graph, after: Graph, marks: Marks | None, options: Options) -> Iterator[tuple[Node, Graph]]:
    """The lanes of both graphs, those of one phase side by side; what did not change is closed."""
    assert marks is not None
    sides = (("before", before, marks.before), ("after", after, marks.after))
    lanes = [
        (replace(lane, title=f"{name} · {lane.title}"), graph)
        for name, graph, changes in sides
        for lane in build(graph, folded=not options.unfold, changes=changes).lanes
    ]
    if sum(drawn(lane) for lane, _ in lanes) > READABLE // 4 and options.depth is None:
        lanes = [(closed(lane), graph) for lane, graph in lanes]
    # Sorting is stable: of one phase, before stays before after.
    yield from sorted(lanes, key=lambda pair: PHASES.index(pair[0].phase) if pair[0].phase in PHASES else len(PHASES))


def finished(pairs: list[tuple[Node, Graph]], by: str, marks: Marks | None, options: Options) -> Diagram:
    """The diagram of these lanes."""
    if not pairs:
        raise CannotDraw("this graph has no operation that does work: there is nothing to draw")
    known: dict[int, list[float | None]] = {}
    if by in MEASURES:
        known = {id(graph): measured(graph, by) for graph in {id(graph): graph for _, graph in pairs}.values()}
    lanes = tuple(lane for lane, _ in pairs)
    graph = pairs[-1][1]
    made = Diagram(
        title=options.title or graph.scopes[0].class_name,
        note=marks.note if marks else summary(graph),
        theme=theme(dark=options.dark),
        by=by,
        lanes=lanes,
        graphs=tuple(graph for _, graph in pairs),
        costs=tuple(known.get(id(graph), []) for _, graph in pairs),
        depth=1,
    )
    return replace(made, depth=opened(made, options))


def opened(made: Diagram, options: Options) -> int:
    """How deep modules are open at first: as asked for, or as deep as the picture can be read."""
    if options.depth is not None:
        if options.depth < 1:
            raise CannotDraw(f"depth {options.depth}: expected how many modules deep the picture is open, 1 or more")
        return min(options.depth, made.deepest)
    if options.unfold:
        return made.deepest
    return max((depth for depth in range(1, made.deepest + 1) if made.boxes(depth) <= READABLE), default=1)


def summary(graph: Graph) -> str:
    """``77 operations · peak 1.86 MiB``, and whatever else is known in total."""
    from pytest_torchgraph.verdict.quantity import bytes_text

    work = sum(not operation.is_view for operation in graph.operations)
    return f"{times(work, 'operation', ',')} · peak {bytes_text(graph.memory.peak)}"
