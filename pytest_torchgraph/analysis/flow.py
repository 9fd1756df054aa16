"""Which operation reads what which other one made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import operands_of, tensors_in

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record
    from pytest_torchgraph.recorded.tensor import TensorRef


@dataclass(frozen=True, slots=True)
class Flow:
    """The operation at position ``target`` reads ``tensor``, which the one at ``source`` made or last wrote."""

    source: int
    target: int
    tensor: TensorRef


def flows(graph: Record) -> Iterator[Flow]:
    """Every flow of data between operations, in order of the reading operation; each two operations and tensor once."""
    makers: dict[int, int] = {}
    writers: dict[int, int] = {}
    for operation in graph.operations:
        seen: set[tuple[int, int]] = set()
        for tensor in operands_of(operation):
            source = latest(makers.get(tensor.value), writers.get(tensor.storage))
            if source is not None and (source, tensor.value) not in seen:
                seen.add((source, tensor.value))
                yield Flow(source, operation.index, tensor)
        for tensor in tensors_in(operation.results):
            makers.setdefault(tensor.value, operation.index)
            writers.setdefault(tensor.storage, operation.index)
        writers.update(dict.fromkeys(operation.writes, operation.index))


def latest(*positions: int | None) -> int | None:
    """The last of the positions that are known."""
    return max((position for position in positions if position is not None), default=None)
