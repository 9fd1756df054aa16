"""What a run did, what it cost and where: one record for tables, JSON and data frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.critical import CriticalPath, critical_path
from pytest_torchgraph.analysis.keeping import LineMemory, left_behind, memory_by_line
from pytest_torchgraph.analysis.layer import Layer, layers
from pytest_torchgraph.analysis.performance import Kind, Performance, kinds, performance
from pytest_torchgraph.analysis.recomputation import Recomputation, recomputation
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Bytes of live storages. ``by_category`` is at the peak, ``None`` for a graph read from a file.

    ``peak_operation`` and ``peak_module`` say where the peak is reached; ``phase_peaks`` are those of each phase.
    ``lines`` are what is alive at the peak by the source line that made it, ``left_behind`` what the run left alive and
    did not return; both are ``None`` for a graph read from a file.
    """

    peak: int
    peak_operation: str | None
    peak_module: str | None
    saved_for_backward: int | None
    by_category: dict[str, int] | None
    phase_peaks: dict[str, int]
    lines: tuple[LineMemory, ...] | None
    left_behind: tuple[LineMemory, ...] | None


def memory_use(graph: Record) -> MemoryUse:
    """Bytes at the peak and where it is."""
    memory = graph.memory
    at = None if memory.peak_operation is None else graph.operations[memory.peak_operation]
    known = memory.lives is not None
    return MemoryUse(
        peak=memory.peak,
        peak_operation=None if at is None else at.packet,
        peak_module=None if at is None else graph.scopes[at.scope].path,
        saved_for_backward=memory.saved,
        by_category=memory.by_category() if known else None,
        phase_peaks=phase_peaks(graph),
        lines=memory_by_line(graph) if known else None,
        left_behind=left_behind(graph) if known else None,
    )


def phase_peaks(graph: Record) -> dict[str, int]:
    """The most bytes that were live in each phase; nothing for a graph read from a file."""
    found: dict[str, int] = {}
    for operation, live in zip(graph.operations, graph.memory.timeline, strict=False):
        found[operation.phase] = max(found.get(operation.phase, 0), live)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything that is told of one graph."""

    model: str
    kinds: tuple[Kind, ...]
    layers: tuple[Layer, ...]
    performance: Performance
    critical_path: CriticalPath
    recomputation: Recomputation
    memory: MemoryUse

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        A total with unknown parts is ``None``; what is known of it stands beside it, as ``flops_at_least``.
        """
        plain: dict[str, Any] = as_plain(self)
        return plain


def analyse(graph: Record) -> Analysis:
    """The analysis of *graph*; times are in it where the graph was timed."""
    return Analysis(
        model=graph.scopes[0].class_name,
        kinds=kinds(graph),
        layers=layers(graph),
        performance=performance(graph),
        critical_path=critical_path(graph),
        recomputation=recomputation(graph),
        memory=memory_use(graph),
    )


def as_plain(value: Any) -> Any:
    """*value* as dictionaries, lists, numbers and text."""
    if is_dataclass(value) and not isinstance(value, type):
        pairs = [(field.name, getattr(value, field.name)) for field in fields(value)]
        return {name: part for key, one in pairs for name, part in entries(key, one)}
    if isinstance(value, dict):
        return {key: as_plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [as_plain(part) for part in value]
    return value


def entries(key: str, value: Any) -> Sequence[tuple[str, Any]]:
    """What one field becomes: a total is two entries."""
    if isinstance(value, Total):
        return ((key, value.exactly()), (f"{key}_at_least", value.at_least))
    return ((key, as_plain(value)),)
