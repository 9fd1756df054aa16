"""A record as a graph of networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.flow import flows
from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.words.extra import required

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record


def network_of(record: Record) -> Any:
    """The operations of *record* as a ``networkx.MultiDiGraph``, in their order; edges are flows of data."""
    found = required("networkx", "to_networkx").MultiDiGraph(model=record.scopes[0].class_name)
    for operation in record.operations:
        source = source_of(record, operation)
        found.add_node(
            operation.index,
            name=operation.name,
            module=record.scopes[operation.scope].path,
            phase=operation.phase,
            flops=operation.flops,
            is_view=operation.is_view,
            source=None if source is None else f"{source.file}:{source.line}",
        )
    for flow in flows(record):
        found.add_edge(flow.source, flow.target, tensor=flow.tensor.spec.text)
    return found
