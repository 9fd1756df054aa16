"""What the module costs: time, FLOPs, bytes, and its share of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.cost import intensity
from pytest_torchgraph.analysis.tally import total_flops
from pytest_torchgraph.analysis.traffic import bytes_moved
from pytest_torchgraph.explorer.block import Block, Grid, Heading, Line, Missing, Pairs, Span, line, spans
from pytest_torchgraph.explorer.formatting import (
    bar,
    bytes_text,
    count_text,
    flops_text,
    format_shape,
    format_time,
    share_text,
    time_text,
)
from pytest_torchgraph.explorer.measure import MEASURES, known_measures, share_of
from pytest_torchgraph.explorer.panels.chosen import Chosen, not_called, title_of, without_run
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.words.counting import listed
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.layer import Layer
    from pytest_torchgraph.explorer.module import Module
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.graph import Graph

WIDTH = 24
SHARED = ("params", "time", "backward", "flops", "moved", "ops", "peak")
COSTLIEST = 8
UNTIMED = "This run was not timed: torchgraph explore --timing 1 times one, as does trace(model, inputs, timing=1)."


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    layer = subject.layers.get(chosen.first.path)
    if subject.graph is None:
        return title_of(chosen), *without_run(subject, "no times, FLOPs or bytes moved")
    if layer is None:
        missing = not_called(subject, chosen) or (line(("never called itself: it only holds others", "faint")),)
        return title_of(chosen), *missing, Heading("share of the whole"), *shares(subject, chosen)
    found: list[Block] = [*overlay(subject, chosen.first, layer)]
    if subject.known == "file":
        found += [line(""), *without_run(subject, "no times, FLOPs, bytes moved or memory step by step")]
        found += [Heading("share of the whole"), *shares(subject, chosen)]
        return tuple(found)
    found += [
        Heading("share of the whole"),
        *shares(subject, chosen),
        Heading("cost"),
        cost(layer),
        *calls(subject, chosen),
    ]
    if subject.graph.timing is None:
        found.append(
            Missing(
                "no times",
                UNTIMED,
            )
        )
    found += [Heading("operations that cost most"), costliest(subject.graph, subject.operations(chosen.first.path))]
    return tuple(found)


def overlay(subject: Subject, module: Module, layer: Layer) -> Iterator[Line]:
    """The module in four lines: what it is, its forward and backward pass, its memory."""
    weight = next((one for one in module.held if one.shape is not None), None)
    shape = f"   Shape: {format_shape(weight.shape)}" if weight is not None and weight.shape else ""
    seconds = seconds_of(layer)
    size = bytes_text(module.parameter_bytes)
    yield line(
        (printable(module.path or module.class_name), "name"),
        f"   {count_text(module.parameters)} {'numbers' if subject.known == 'file' else 'params'}",
        (shape, "kind"),
        (f"   Time: {time_text(seconds)}" if seconds is not None else "", "number"),
        (f"   Mem: {size}", "number"),
        indent=3,
    )
    forward = "" if layer.forward_seconds is None else f" ⚡ {format_time(layer.forward_seconds)}"
    ends = f"     Input: {first(layer.inputs)}   Output: {first(layer.outputs)}"
    yield line(("├─ ", "faint"), ("forward()   ", "head"), (forward, "number"), (ends, ""), indent=3)
    backward = "" if layer.backward_seconds is None else f" ⚡ {format_time(layer.backward_seconds)}"
    yield line(
        ("├─ ", "faint"),
        ("backward()  ", "head"),
        (backward, "number"),
        (f"     {gradient(subject, module)}", ""),
        indent=3,
    )
    numbers = widths(module)
    yield line(("└─ ", "faint"), ("memory      ", "head"), (f" 📊 {size}", "number"), (f"     {numbers}", ""), indent=3)


def seconds_of(layer: Layer) -> float | None:
    """Forward and backward seconds together."""
    if layer.forward_seconds is None:
        return None
    return layer.forward_seconds + (layer.backward_seconds or 0.0)


def first(texts: tuple[str, ...]) -> str:
    """The first of *texts*, and how many more there are."""
    return f"{texts[0]}{f' +{len(texts) - 1}' if len(texts) > 1 else ''}" if texts else "none"


def gradient(subject: Subject, module: Module) -> str:
    """Whether a backward pass went through the module."""
    graph = subject.graph
    if graph is None or BACKWARD not in graph.phases_recorded:
        return "Gradient: no backward pass was run"
    ran = any(graph.operations[index].phase == BACKWARD for index in subject.operations(module.path))
    return f"Gradient: {'computed' if ran else 'none reached it'}"


def widths(module: Module) -> str:
    """``Parameters: 36,864 × 4 bytes``."""
    count, size = module.parameters.at_least, module.parameter_bytes.at_least
    if not count:
        return "Parameters: none"
    each, rest = divmod(size, count)
    word = "Held" if any(one.kind == "leaf" for one in module.held) else "Parameters"
    return f"{word}: {count:,} × {each} bytes" if not rest else f"{word}: {count:,} in {size:,} bytes"


def shares(subject: Subject, chosen: Chosen) -> Iterator[Line]:
    """A bar for each measure of which something is known."""
    known = {measure.name for measure in known_measures(subject)}
    for measure in MEASURES:
        if measure.name in SHARED and measure.name in known:
            share = share_of(subject, measure, chosen.modules)
            amount = measure.text(measure.amount(subject, chosen.modules))
            yield line(
                (f"{measure.head:<9} ", "faint"),
                (bar(share or 0.0, WIDTH), "bar"),
                (f" {share_text(share):>6}", "number"),
                f"  {amount}",
                wrapped=False,
            )


def cost(layer: Layer) -> Pairs:
    """FLOPs, bytes moved, what is alive at the peak."""
    ratio = intensity(layer.flops, layer.bytes_moved)
    rows = [("FLOPs", spans((flops_text(layer.flops), "number"), *unknown(layer.flops.unknown)))]
    rows.append(("moved", spans((bytes_text(layer.bytes_moved), "number"), *unknown(layer.bytes_moved.unknown))))
    rows.append(("intensity", spans(("?" if ratio is None else f"{ratio:.3g}", "number"), " FLOPs per byte moved")))
    if layer.peak_bytes is not None:
        rows.append(
            (
                "at the peak",
                spans((bytes_text(layer.peak_bytes), "number"), " alive that belong to it or were made in it"),
            )
        )
    return Pairs(tuple(rows))


def unknown(names: tuple[str, ...]) -> list[Span]:
    """What makes a total unknown."""
    return [(f"  without {listed(names, 3)}", "faint")] if names else []


def calls(subject: Subject, chosen: Chosen) -> Iterator[Block]:
    """The times of its calls, Python between operations included."""
    stats = subject.stats.get(chosen.first.path)
    if stats is None:
        return
    each = f"{time_text(stats['mean'])}" if stats["calls"] > 1 else ""
    spread = f"  mean {each}, {time_text(stats['min'])} to {time_text(stats['max'])}" if each else ""
    told = spans((time_text(stats["total"]), "number"), (spread, "faint"), " from call to return")
    yield Pairs((("calls", told),))


def costliest(graph: Graph, operations: list[int]) -> Grid:
    """Kinds of operations by time, or by FLOPs and bytes where there are no times."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for index in operations:
        operation = graph.operations[index]
        if not operation.is_view:
            kinds.setdefault((operation.packet, operation.phase), []).append(index)
    seconds: Counter[tuple[str, str]] = Counter()
    work: dict[tuple[str, str], tuple[int, int]] = {}
    for kind, places in kinds.items():
        members = [graph.operations[index] for index in places]
        seconds[kind] = graph.timing.of(places) if graph.timing else 0.0  # type: ignore[assignment]
        work[kind] = total_flops(members).at_least, sum(bytes_moved(one) or 0 for one in members)
    ranked = sorted(kinds, key=lambda kind: (seconds[kind], work[kind]), reverse=True)
    rows: tuple[tuple[Span, ...], ...] = tuple(
        (
            (kind[0].removeprefix("aten."), "name"),
            (kind[1], "faint"),
            (f"{len(kinds[kind]):,}", "number"),
            (time_text(float(seconds[kind])) if graph.timing else "?", "number"),
            (flops_text(total_flops(graph.operations[index] for index in kinds[kind])), "number"),
        )
        for kind in ranked[:COSTLIEST]
    )
    rest = len(ranked) - COSTLIEST
    return Grid(("", "phase", ">count", ">time", ">FLOPs"), rows, f"and {rest} more kinds" if rest > 0 else "")
