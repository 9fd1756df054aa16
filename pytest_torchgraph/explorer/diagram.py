"""A model as nodes and edges, and as a diagram in DOT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pytest_torchgraph.analysis.flow import flows
from pytest_torchgraph.drawing.dot import dot_text, quoted
from pytest_torchgraph.explorer.config import ModuleInfo
from pytest_torchgraph.explorer.formatting import format_param_count
from pytest_torchgraph.explorer.model import tree_of
from pytest_torchgraph.explorer.module import walked
from pytest_torchgraph.explorer.summary import infos_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import FORWARD

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

EdgeKind: TypeAlias = Literal["contains", "flow"]


@dataclass(frozen=True, slots=True)
class ModelEdge:
    """From the module at path ``source`` to that at ``target``: it *contains* it, or a tensor *flows* to it."""

    source: str
    target: str
    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """The modules of a model, and what connects them."""

    nodes: tuple[ModuleInfo, ...]
    edges: tuple[ModelEdge, ...]


def extract_model_graph(model: Any, inputs: Any = None) -> ModelGraph:
    """Which module contains which; with *inputs*, the model runs once, and where tensors flow is told, too."""
    tree = tree_of(model)
    edges = [ModelEdge(one.path, child.path, "contains") for one in walked(tree) for child in one.children]
    if inputs is not None:
        edges += flow_edges(traced(model, inputs))
    return ModelGraph(tuple(infos_of(model)), tuple(edges))


def generate_architecture_diagram(model: Any, inputs: Any = None) -> str:
    """A diagram in DOT, the language of Graphviz: the tree of modules, or with *inputs* what the model does."""
    if inputs is not None:
        return dot_text(traced(model, inputs))
    tree = tree_of(model)
    names = {one.path: f"n{number}" for number, one in enumerate(walked(tree))}
    lines = [f"digraph {quoted(tree.class_name)} {{", "  rankdir=LR;", '  node [shape=box, style="rounded"];']
    for one in walked(tree):
        count = format_param_count(one.parameters.at_least)
        name = f"{one.name}: {one.title}" if one.path else one.title
        lines.append(f"  {names[one.path]} [label={quoted(f'{name}{chr(10)}{count} params')}];")
        lines += [f"  {names[one.path]} -> {names[child.path]};" for child in one.children]
    return "\n".join([*lines, "}", ""])


def traced(model: Any, inputs: Any) -> Graph:
    """The record of one run."""
    from pytest_torchgraph.capture.tracing import trace

    return trace(model, inputs)


def flow_edges(graph: Graph) -> Iterator[ModelEdge]:
    """From each module whose operations make what operations of another one read in the forward pass, once."""
    seen: set[tuple[str, str]] = set()
    for flow in flows(graph):
        ends = graph.operations[flow.source], graph.operations[flow.target]
        source, target = (graph.scopes[end.scope].path for end in ends)
        if source != target and (source, target) not in seen and all(end.phase == FORWARD for end in ends):
            seen.add((source, target))
            yield ModelEdge(source, target, "flow")
