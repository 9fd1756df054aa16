"""Live bytes step by step, and what is alive at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pytest_torchgraph.explorer.block import Block, Chart, Grid, Heading, Line, Pairs, Span, line, spans
from pytest_torchgraph.explorer.formatting import bytes_text, share_text
from pytest_torchgraph.explorer.lowering import SERIES
from pytest_torchgraph.explorer.panels.chosen import Chosen, without_run
from pytest_torchgraph.recorded.memory import CATEGORIES
from pytest_torchgraph.report.memory import alive_after
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.graph import Graph


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    graph = subject.graph
    if graph is None:
        return line(("memory", "name")), *without_run(subject, "no memory timeline")
    if subject.known == "file":
        return line(("memory", "name")), totals(graph), *without_run(subject, "no memory step by step")
    if not graph.operations:
        return line(("memory", "name")), totals(graph), line(("nothing ran", "faint"))
    memory = cast("dict[str, Any]", subject.memory)
    at, cursor = memory["at"], position(subject, chosen.cursor)
    step = min(range(len(at)), key=lambda place: abs(at[place] - 1 - cursor))
    series = tuple((name, tuple(memory["series"][name])) for name in CATEGORIES if name in memory["series"])
    names = [name for name, _ in series]
    legend = line(*(span for place, name in enumerate(names) for span in ((" ■ ", SERIES[place % len(SERIES)]), name)))
    return (
        line(("memory", "name"), ("   ←/→ move the cursor, p to the peak", "faint")),
        Chart(series, step, height=10),
        legend,
        Heading("at the cursor", f"step {cursor + 1:,} of {len(graph.operations):,}"),
        where(graph, cursor),
        Grid(("", ">bytes", ">share"), tuple(categories(graph, cursor))),
        Heading("alive there", "the largest, parameters and buffers apart"),
        Grid((">bytes", "", ""), alive(graph, cursor)),
        Heading("the whole run"),
        totals(graph),
    )


def position(subject: Subject, cursor: int | None) -> int:
    """The operation after which is looked; the peak by default, -1 before the first."""
    graph = subject.graph
    assert graph is not None
    return graph.memory.peak_at if cursor is None else max(-1, min(cursor, len(graph.operations) - 1))


def where(graph: Graph, cursor: int) -> Line:
    """``after layers.3.mlp: gelu (forward), 18.2 MiB``."""
    live = bytes_text(sum(graph.memory.by_category(cursor).values()))
    if cursor < 0:
        return line("before the first operation ", (live, "number"))
    operation = graph.operations[cursor]
    path = graph.scopes[operation.scope].path or graph.scopes[operation.scope].class_name
    peak = "  the peak" if cursor == graph.memory.peak_at else ""
    name = operation.packet.removeprefix("aten.")
    return line("after ", (printable(path), "name"), f": {name} ({operation.phase})  ", (live, "number"), (peak, "bad"))


def categories(graph: Graph, cursor: int) -> list[tuple[Span, ...]]:
    """Bytes of each category."""
    found = graph.memory.by_category(cursor)
    whole = sum(found.values())
    return [
        ((name, ""), (bytes_text(found[name]), "number"), (share_text(found[name] / max(whole, 1)), "faint"))
        for name in CATEGORIES
        if found[name]
    ]


def alive(graph: Graph, cursor: int) -> tuple[tuple[Span, ...], ...]:
    """The largest storages, and what they are."""
    rows: list[tuple[Span, ...]] = []
    for count, category, what in alive_after(graph, cursor):
        rows.append(((bytes_text(cast("int", count)), "number"), (str(category), "faint"), (str(what), "kind")))
    return tuple(rows) or ((("", ""), ("nothing", "faint"), ("", "")),)


def totals(graph: Graph) -> Pairs:
    """Peak, what was kept for the backward pass, what is held."""
    memory = graph.memory
    at = ""
    if memory.peak_operation is not None:
        operation = graph.operations[memory.peak_operation]
        at = f" at {graph.scopes[operation.scope].path or 'the model'}: {operation.packet.removeprefix('aten.')}"
    rows = [("peak", spans((bytes_text(memory.peak), "number"), (at, "faint")))]
    rows.append(("saved", spans((bytes_text(memory.saved), "number"), (" for the backward pass", "faint"))))
    rows.append(("parameters", spans((bytes_text(memory.parameter_bytes), "number"))))
    rows.append(("buffers", spans((bytes_text(memory.buffer_bytes), "number"))))
    return Pairs(tuple(rows))
