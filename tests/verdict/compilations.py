"""What a compiler made of a small model, told by hand: the model itself is not compiled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from pytest_torchgraph.capture.tracing import trace
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


class Sine(torch.autograd.Function):
    """A product with a sine whose backward pass does one thing or another with what was saved."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, what: str) -> Tensor:
        made = x.sin()
        ctx.what = what
        ctx.save_for_backward(x, made)
        return x * made

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, made = ctx.saved_tensors
        if ctx.what == "again":
            made = x.sin()
        if ctx.what == "laid out":
            given, grad = grad, torch.empty_strided(grad.shape, (4, 1))
            grad.copy_(given)
        return grad * made, None


class Trained(nn.Module):
    """A layer whose backward pass does one thing or another."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = Sine.apply(self.fc(x), self.what)
        return found


def trained(what: str = "", *, compiled: bool = False) -> Graph:
    """A step of :class:`Trained`, as it is written or as if a compiler had made it of another."""
    graph = trace(Trained(what), torch.ones(2, 4), backward=True)
    return replace(graph, compilation=compilation()) if compiled else graph
