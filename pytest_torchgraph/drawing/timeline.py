"""Live bytes by category, operation by operation."""

from __future__ import annotations

from pytest_torchgraph.analysis.cost import BINARY
from pytest_torchgraph.analysis.memory import curves_of
from pytest_torchgraph.drawing.colour import CATEGORY_COLOURS, Theme, theme
from pytest_torchgraph.drawing.errors import CannotDraw
from pytest_torchgraph.drawing.kind import short
from pytest_torchgraph.drawing.options import Options
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.memory import LivesUnknown
from pytest_torchgraph.verdict.quantity import bytes_text


@dataclass(frozen=True, slots=True)
class Band:
    """One category: its bytes before the first operation, then after each."""

    name: str
    colour: str
    bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The bands from the lowest up, and where the peak is; ``phases`` are name and half-open range of operations."""

    title: str
    theme: Theme
    bands: tuple[Band, ...]
    names: tuple[str, ...]
    peak: int
    peak_at: int
    phases: tuple[tuple[str, int, int], ...]

    @property
    def peak_text(self) -> str:
        """``peak 1.86 MiB at lm_head: mm``."""
        return f"peak {bytes_text(self.peak)} {'at ' + self.names[self.peak_at] if self.peak_at else 'at the start'}"

    @property
    def unit(self) -> tuple[str, int]:
        """The unit of the axis, and its bytes."""
        power = max(power for power in range(len(BINARY)) if power == 0 or self.peak >= 1024**power)
        return BINARY[power], 1024**power


def timeline(graph: Graph, options: Options) -> Timeline:
    """The memory of *graph* over its run; raises :class:`CannotDraw` for a graph that was read from a file."""
    if graph.memory.lives is None:
        raise CannotDraw(str(LivesUnknown()))
    return Timeline(
        title=options.title or f"{graph.scopes[0].class_name}: live memory",
        theme=theme(dark=options.dark),
        bands=tuple(bands(graph)),
        names=("before the run", *(named(graph, index) for index in range(len(graph.operations)))),
        peak=graph.memory.peak,
        peak_at=graph.memory.peak_at + 1,
        phases=tuple(stretches(graph)),
    )


def bands(graph: Graph) -> list[Band]:
    """The categories that were ever alive."""
    ever = {life.category for life in graph.memory.known_lives()}
    curves = curves_of(graph).items()
    return [Band(name, CATEGORY_COLOURS[name], tuple(curve)) for name, curve in curves if name in ever]


def named(graph: Graph, index: int) -> str:
    """``layers.0.mlp: mm`` for an operation."""
    operation = graph.operations[index]
    path = graph.scopes[operation.scope].path
    return f"{path or operation.phase}: {short(operation.packet)}"


def stretches(graph: Graph) -> list[tuple[str, int, int]]:
    """Runs of operations of one phase."""
    found: list[tuple[str, int, int]] = []
    for operation in graph.operations:
        if found and found[-1][0] == operation.phase:
            found[-1] = (operation.phase, found[-1][1], operation.index + 1)
        else:
            found.append((operation.phase, operation.index, operation.index + 1))
    return found
