"""CSV: one row for each operation."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.analysis.traffic import bytes_read, bytes_written
from pytest_torchgraph.recorded.operation import operands_of, tensors_in
from pytest_torchgraph.tracking.content import bytes_taken
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph


FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula, the wide forms among it."""


def render(graph: Graph) -> str:
    """The rows under their names; what is not known is empty.

    Text that a spreadsheet would take for a formula has an apostrophe before it, as OWASP's page on CSV injection has
    it.
    """
    text = io.StringIO()
    rows = list(operations(graph))
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["index"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _defused(cell) for name, cell in row.items()} for row in rows)
    return text.getvalue()


def _defused(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if text.startswith(FORMULA) else text


def operations(graph: Graph) -> Iterator[dict[str, Any]]:
    """The row of each operation: seconds and bytes as numbers, tensors as ``f32[2,16]``."""
    taken, timing = bytes_taken(graph), graph.timing
    for operation in graph.operations:
        source, index = source_of(graph, operation), operation.index
        yield {
            "index": index,
            "operation": operation.name,
            "phase": operation.phase,
            "module": graph.scopes[operation.scope].path,
            "call": None if operation.call is None else graph.calls[operation.call].name,
            "inputs": " ".join(tensor.spec.text for tensor in operands_of(operation)),
            "outputs": " ".join(tensor.spec.text for tensor in tensors_in(operation.results)),
            "is_view": operation.is_view,
            "is_sync": operation.is_sync,
            "recomputed": operation.recomputed,
            "flops": operation.flops,
            "bytes_read": bytes_read(operation),
            "bytes_written": bytes_written(operation),
            "bytes_taken": taken.get(index, 0),
            "start_seconds": None if timing is None else timing.operations[index].start,
            "seconds": None if timing is None else timing.seconds[index],
            "spread_seconds": None if timing is None or timing.spread is None else timing.spread[index],
            "source": None if source is None else f"{source.file}:{source.line}",
        }
