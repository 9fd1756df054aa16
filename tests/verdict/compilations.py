"""What a compiler made of a small model, told by hand: the model itself is not compiled."""

from __future__ import annotations

from dataclasses import replace

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.compilation import (
    CodeLine,
    Compilation,
    CompiledGraph,
    GraphBreak,
    Recompilation,
)
from pytest_torchgraph.recorded.operation import SourceLine
from tests.verdict.pairs import graph_of

FORWARD = CodeLine("model.py", "forward", "", SourceLine("/home/me/model.py", 12, "forward"), "model")
LINE = CodeLine("model.py", "forward", "if x.sum() > 0:", SourceLine("/home/me/model.py", 14, "forward"), "model")
BREAK = GraphBreak(id="GB0170", reason="Data-dependent branching", module="layers.0", line=LINE)
RECOMPILE = Recompilation(guard="tensor 'x' size mismatch at index 0. expected 2, actual 3", module="", line=FORWARD)


def compilation(*, graphs: int = 1, dynamic: tuple[str, ...] = (), **facts: object) -> Compilation:
    """A compilation by aot_eager into *graphs* graphs of four operations each."""
    made = tuple(
        CompiledGraph(number=number, module="", line=FORWARD, forward=4, dynamic=dynamic)
        for number in range(1, graphs + 1)
    )
    return replace(Compilation(backend="aot_eager", graphs=made), **facts)  # type: ignore[arg-type]


def compiled_graph(*, graphs: int = 1, dynamic: tuple[str, ...] = (), **facts: object) -> Graph:
    """A graph with such a compilation."""
    return replace(graph_of(), compilation=compilation(graphs=graphs, dynamic=dynamic, **facts))
