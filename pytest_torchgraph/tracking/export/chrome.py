"""The Chrome trace format: a timeline for Perfetto (ui.perfetto.dev), speedscope and ``chrome://tracing``.

Of the `Trace Event Format <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>`_: complete
events (``X``) for module calls and operations, counters (``C``) for memory, and flows (``s``, ``f``) from each forward
operation to the backward operations that it caused.

A viewer adds ``ts`` and ``dur`` as doubles, and speedscope draws a span that begins a rounding error before the one
in front of it has ended inside of that one. So times are whole numbers of 1/1024 microseconds, whose sums are exact,
and spans of one row that touch share an end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.recorded.memory import CATEGORIES
from pytest_torchgraph.recorded.operation import tensors_in
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.recorded.timing import Span, Timing
from pytest_torchgraph.tracking.export import NeedsTiming

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.operation import Operation

HOST, DEVICE, CAUSED = 1, 2, 3
"""Rows of the timeline: what the host does, what a device does for itself, and whose gradients are worked out."""
TICKS = 1024
"""Ticks in a microsecond."""


def render(graph: Graph) -> str:
    """The trace; raises :class:`NeedsTiming` for a graph without times."""
    if graph.timing is None:
        raise NeedsTiming(
            "the format chrome is a timeline, and this graph has no times (no snapshot file does): "
            "trace the model with timing=1, or give module:factory instead of a file"
        )
    events = [*names(graph, graph.timing), *nested(sorted(timeline(graph, graph.timing), key=order)), *memory(graph)]
    told = {"model": graph.scopes[0].class_name, "recorder_seconds_taken_out": graph.timing.overhead}
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": told}, allow_nan=False) + "\n"


def order(event: dict[str, Any]) -> tuple[float, float]:
    """Earlier first, and what lies around before what lies inside; operations in turn, also where one takes no time."""
    is_operation = "results" in event.get("args", ())
    return event["ts"], 0.0 if is_operation else -event.get("dur", 0.0)


def nested(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*events* in order, with each span inside of what it begins in: clocks and sums may be a tick off."""
    around: dict[int, list[tuple[float, float]]] = {}
    for event in events:
        if event["ph"] == "X":
            fit(event, around.setdefault(event["tid"], []))
    return sorted(events, key=order)


def fit(event: dict[str, Any], around: list[tuple[float, float]]) -> None:
    """Begin where the one before ends, where that is a tick away, and stay within the span that lies *around*."""
    start, end = event["ts"], event["ts"] + event["dur"]
    while around and around[-1][1] - 1 / TICKS <= start:
        start = max(start, around.pop()[1])
    if around:
        outer_start, outer_end = around[-1]
        start, end = max(start, outer_start), min(end, outer_end)
    end = max(start, end)
    event["ts"], event["dur"] = start, end - start
    around.append((start, end))


def timeline(graph: Graph, timing: Timing) -> Iterator[dict[str, Any]]:
    """Everything that takes time."""
    yield from module_calls(graph, timing)
    yield from other_phases(graph, timing)
    yield from operations(graph, timing)
    yield from causes(graph, timing)


def names(graph: Graph, timing: Timing) -> Iterator[dict[str, Any]]:
    """What the rows are called."""
    yield {"ph": "M", "pid": 1, "tid": HOST, "name": "process_name", "args": {"name": graph.scopes[0].class_name}}
    yield {"ph": "M", "pid": 1, "tid": HOST, "name": "thread_name", "args": {"name": "host"}}
    if any(phase.name == BACKWARD for phase in graph.phases):
        yield {"ph": "M", "pid": 1, "tid": CAUSED, "name": "thread_name", "args": {"name": "backward of"}}
    if row_of(timing) == DEVICE:
        yield {"ph": "M", "pid": 1, "tid": DEVICE, "name": "thread_name", "args": {"name": "device"}}


def row_of(timing: Timing) -> int:
    """The row of operations: only the host's own lie within the module calls that ask for them."""
    return HOST if timing.source == "host clock" else DEVICE


def complete(name: str, category: str, span: Span, row: int, told: dict[str, Any]) -> dict[str, Any]:
    """A complete event. Both ends are rounded, so that what lies within stays within."""
    start, end = microseconds(span.start), microseconds(span.start + span.seconds)
    times = {"ts": start, "dur": end - start}
    return {"ph": "X", "pid": 1, "tid": row, "name": name, "cat": category, **times, "args": told}


def microseconds(seconds: float) -> float:
    """The nearest whole number of ticks."""
    return round(seconds * 1e6 * TICKS) / TICKS


def module_calls(graph: Graph, timing: Timing) -> Iterator[dict[str, Any]]:
    """Each module call, from its beginning to its end."""
    for scope, span in zip(graph.scopes, timing.scopes, strict=True):
        told = {"class": scope.class_name, "path": scope.path}
        yield complete(scope.path or scope.class_name, "module", span, HOST, told)


def other_phases(graph: Graph, timing: Timing) -> Iterator[dict[str, Any]]:
    """Backward passes and optimizer steps, and for the former the module calls whose gradients are worked out."""
    for phase in graph.phases:
        inside = graph.operations[slice(*phase.operations)]
        if inside:
            told = {"operations": sum(not operation.is_view for operation in inside)}
            yield complete(phase.title or phase.name, phase.name, around(inside, timing), HOST, told)
        if phase.name == BACKWARD and inside:
            yield from backward_of_modules(graph, timing, inside)


def backward_of_modules(graph: Graph, timing: Timing, inside: tuple[Operation, ...]) -> Iterator[dict[str, Any]]:
    """One event for each stretch of a backward pass that one module call caused; what runs again is in its own."""
    for (scope, again), group in groupby(inside, lambda operation: (operation.scope, operation.recomputed)):
        if not again:
            record = graph.scopes[scope]
            name = f"{record.path or record.class_name} backward"
            yield complete(name, BACKWARD, around(tuple(group), timing), CAUSED, {"class": record.class_name})


def around(inside: tuple[Operation, ...], timing: Timing) -> Span:
    """From the beginning of the first operation to the end of the last."""
    first, last = timing.operations[inside[0].index], timing.operations[inside[-1].index]
    return Span(first.start, last.start + last.seconds - first.start)


def operations(graph: Graph, timing: Timing) -> Iterator[dict[str, Any]]:
    """Each operation."""
    for operation, span in zip(graph.operations, timing.operations, strict=True):
        source = source_of(graph, operation)
        told = {
            "module": graph.scopes[operation.scope].path,
            "results": [tensor.spec.text for tensor in tensors_in(operation.results)],
            "flops": operation.flops,
            "source": None if source is None else f"{source.file}:{source.line}",
        }
        yield complete(operation.packet, operation.phase, span, row_of(timing), told)


def causes(graph: Graph, timing: Timing) -> Iterator[dict[str, Any]]:
    """An arrow from a forward operation to each backward operation that it caused."""
    for operation in graph.operations:
        if operation.phase != BACKWARD or operation.forward is None or operation.recomputed:
            continue
        if graph.operations[operation.forward].phase != FORWARD:
            continue
        common = {"pid": 1, "tid": row_of(timing), "name": "gradient", "cat": "gradient", "id": operation.index}
        for mark, position in (("s", operation.forward), ("f", operation.index)):
            start = microseconds(timing.operations[position].start)
            yield {"ph": mark, **common, "ts": start, **({"bp": "e"} if mark == "f" else {})}


def memory(graph: Graph) -> Iterator[dict[str, Any]]:
    """Live bytes by category after each operation that changes them."""
    timing, lives = graph.timing, graph.memory.lives
    if timing is None or lives is None:
        return
    change: dict[int, dict[str, int]] = {}
    for life in lives:
        for at, grown in ((life.born, life.bytes), (life.died, -life.bytes)):
            if at is not None and at < len(graph.operations):
                step = change.setdefault(at, dict.fromkeys(CATEGORIES, 0))
                step[life.category] += grown
    live = dict.fromkeys(CATEGORIES, 0)
    for at in sorted(change):
        live = {category: live[category] + change[at][category] for category in CATEGORIES}
        span = timing.operations[at] if at >= 0 else Span(0.0, 0.0)
        time = microseconds(span.start + span.seconds)
        yield {"ph": "C", "pid": 1, "tid": HOST, "name": "memory (bytes)", "ts": time, "args": live}
