"""How fast a run was, and which operations cost most."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.collective import message_bytes
from pytest_torchgraph.analysis.cost import costs_of, intensity, total_bytes
from pytest_torchgraph.analysis.layer import texts
from pytest_torchgraph.analysis.tally import Total, total_flops
from pytest_torchgraph.analysis.traffic import bytes_moved
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collective import kind_of
from pytest_torchgraph.recorded.operation import SourceLine, tensors_in

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.operation import Operation
    from pytest_torchgraph.recorded.record import Record

COSTLIEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """All operations of one name; ``seconds`` is ``None`` where the graph was not timed."""

    name: str
    operations: int
    seconds: float | None
    flops: Total
    bytes_moved: Total
    intensity: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costly:
    """One operation that costs much; ``source`` is where it was asked for (``model.py:12``)."""

    index: int
    name: str
    module: str
    phase: str
    results: tuple[str, ...]
    seconds: float | None
    spread: float | None
    flops: int | None
    bytes_moved: int | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The whole run. Rates are ``None`` where the graph was not timed, or a part is unknown.

    ``seconds`` is the run on the host, the recorder's own time (``overhead``) taken out; ``in_operations`` are seconds
    of operations; ``communicated`` is the size of the messages of all ``collectives``. ``costliest`` are
    ten operations by time, or by FLOPs and bytes moved where there is no time.
    """

    operations: int
    seconds: float | None
    spread: float | None
    runs: int | None
    in_operations: float | None
    overhead: float | None
    operations_per_second: float | None
    flops_per_second: float | None
    bytes_per_second: float | None
    flops: Total
    bytes_moved: Total
    intensity: float | None
    collectives: int
    communicated: Total
    costliest: tuple[Costly, ...]


def kinds(graph: Record) -> tuple[Kind, ...]:
    """Operations by name, those that take longest first; by FLOPs and bytes where there are no times."""
    seconds = seconds_by_name(graph)
    counts = Counter(operation.packet for operation in graph.operations)
    found = [
        Kind(
            name=row.name,
            operations=counts[row.name],
            seconds=None if seconds is None else seconds[row.name],
            flops=row.flops,
            bytes_moved=row.bytes_moved,
            intensity=row.intensity,
        )
        for row in costs_of(graph, "operation")
    ]
    return tuple(
        sorted(found, key=lambda kind: (kind.seconds or 0.0, kind.flops.at_least, kind.bytes_moved.at_least))[::-1]
    )


def seconds_by_name(graph: Record) -> dict[str, float] | None:
    """Seconds by the name of the operation."""
    if graph.timing is None:
        return None
    found: dict[str, float] = {}
    for operation, seconds in zip(graph.operations, graph.timing.seconds, strict=True):
        found[operation.packet] = found.get(operation.packet, 0.0) + seconds
    return found


def performance(graph: Record) -> Performance:
    """The run as a whole."""
    timing = graph.timing
    flops, moved = total_flops(graph.operations), total_bytes(graph.operations)
    work = sum(not operation.is_view for operation in graph.operations)
    seconds = None if timing is None else timing.total
    return Performance(
        operations=work,
        seconds=seconds,
        spread=None if timing is None else timing.total_spread,
        runs=None if timing is None else timing.runs,
        in_operations=None if timing is None else sum(timing.seconds),
        overhead=None if timing is None else timing.overhead,
        operations_per_second=rate(work, seconds),
        flops_per_second=rate(flops.exactly(), seconds),
        bytes_per_second=rate(moved.exactly(), seconds),
        flops=flops,
        bytes_moved=moved,
        intensity=intensity(flops, moved),
        collectives=sum(kind_of(operation.name) is not None for operation in graph.operations),
        communicated=total_bytes(graph.operations, message_bytes),
        costliest=costliest(graph),
    )


def rate(amount: int | None, seconds: float | None) -> float | None:
    """*amount* in a second; ``None`` where either is unknown."""
    return amount / seconds if amount is not None and seconds else None


def costliest(graph: Record, count: int = COSTLIEST) -> tuple[Costly, ...]:
    """The operations that cost most, the first first."""

    def cost(operation: Operation) -> tuple[float, int, int]:
        seconds = graph.timing.seconds[operation.index] if graph.timing else 0.0
        return seconds, operation.flops or 0, bytes_moved(operation) or 0

    chosen = sorted((one for one in graph.operations if not one.is_view), key=cost, reverse=True)
    return tuple(costly(graph, operation) for operation in chosen[:count])


def costly(graph: Record, operation: Operation) -> Costly:
    """The row of one operation."""
    timing, source = graph.timing, source_of(graph, operation)
    return Costly(
        index=operation.index,
        name=operation.packet,
        module=graph.scopes[operation.scope].path,
        phase=operation.phase,
        results=texts(tensors_in(operation.results)),
        seconds=None if timing is None else timing.seconds[operation.index],
        spread=timing.spread[operation.index] if timing and timing.spread else None,
        flops=operation.flops,
        bytes_moved=bytes_moved(operation),
        source=None if source is None else f"{source.file}:{source.line}",
    )


def source_of(graph: Record, operation: Operation) -> SourceLine | None:
    """Where *operation* was asked for; what the autograd engine asked for, where its forward operation was."""
    if operation.source is None and operation.forward is not None:
        return graph.operations[operation.forward].source
    return operation.source
