"""Every operation of the module and of what is inside it, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.performance import costly
from pytest_torchgraph.explorer.block import Block, Grid, Heading, Role, Span, line
from pytest_torchgraph.explorer.formatting import bytes_text, flops_text, time_text
from pytest_torchgraph.explorer.panels.chosen import Chosen, not_called, title_of, without_run
from pytest_torchgraph.recorded.kinds import is_in
from pytest_torchgraph.recorded.operation import tensors_in
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.report.lookup import declared_at, reached_from
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.operation import Operation

MOST = 300
NAMED = 12
"""Names that are explained."""
MARKS: tuple[tuple[str, Role], ...] = (
    ("syncs", "bad"),
    ("copies", "warn"),
    ("casts", "warn"),
    ("attention", "good"),
    ("matmuls", "accent"),
)
"""Groups that are told beside an operation, the first that it is in."""
WORDS = {"syncs": "sync", "copies": "copy", "casts": "cast", "attention": "attention", "matmuls": "matmul"}


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    title, graph = title_of(chosen), subject.graph
    if graph is None:
        return title, *without_run(subject, "no operations")
    missing = not_called(subject, chosen)
    if missing is not None:
        return title, *missing
    found = [graph.operations[index] for index in subject.operations(chosen.first.path)]
    working = [operation for operation in found if not operation.is_view]
    views = len(found) - len(working)
    note = times(len(working), "operation", ",") + (f", {times(views, 'view', ',')} left out" if views else "")
    path = chosen.first.path
    rows = tuple(row(graph, operation, path, is_file=subject.known == "file") for operation in working[:MOST])
    rest = len(working) - MOST
    columns = ("", "module", "phase", "result", ">time", ">FLOPs", ">moved", "", "source")
    more = f"and {rest:,} more: choose a module inside" if rest > 0 else ""
    return title, Heading("operations", note), Grid(columns, rows, more), *names(graph, working)


def row(graph: Graph, operation: Operation, path: str, *, is_file: bool) -> tuple[Span, ...]:
    """The cells of one operation."""
    told = costly(graph, operation)
    module = told.module.removeprefix(path).lstrip(".") if path else told.module
    mark, role = mark_of(operation)
    source = (told.source or "").replace("\\", "/").rpartition("/")[2]
    return (
        (told.name.removeprefix("aten."), "name"),
        (module, "faint"),
        ("" if told.phase == "forward" else told.phase, "faint"),
        (" ".join(one.spec.text for one in tensors_in(operation.results)[:1]), "kind"),
        ("" if graph.timing is None else time_text(told.seconds), "number"),
        ("" if is_file else flops_text(told.flops).removesuffix("FLOPs").rstrip(), "number"),
        ("" if is_file else bytes_text(told.bytes_moved), "number"),
        (mark, role),
        (source, "faint"),
    )


def mark_of(operation: Operation) -> tuple[str, Role]:
    """``copy``, where the operation is one; what checkpointing runs again says so."""
    if operation.recomputed:
        return "again", "warn"
    return next(((WORDS[name], role) for name, role in MARKS if is_in(name, operation)), ("", ""))


def names(graph: Graph, operations: list[Operation]) -> list[Block]:
    """What the names mean: the calls that lead to the operations, and where their gradients are declared."""
    packets = list(dict.fromkeys(operation.packet for operation in operations if operation.phase == FORWARD))[:NAMED]
    of = {node.forward: node.name for node in graph.nodes if node.forward is not None}
    nodes = {one.packet: of[one.index] for one in reversed(operations) if one.index in of}
    reached, declared = reached_from(packets), declared_at(nodes.values())
    found: list[Block] = []
    for packet in packets:
        node = nodes.get(packet, "")
        told = [f"from {reached[packet]}"] if packet in reached else []
        told += [f"goes backward through {node}" + (f" ({declared[node]})" if node in declared else "")] if node else []
        if told:
            found.append(line((f"{packet} ", "name"), ("; ".join(told), "faint"), indent=2))
    return [Heading("what they are"), *found] if found else []
