"""What a run computed more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.tally import Total, total_flops
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import operands_of
from pytest_torchgraph.recorded.tensor import TensorRef

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.operation import Operation
    from pytest_torchgraph.recorded.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputation:
    """What was computed more than once.

    ``operations``, ``flops`` and ``seconds`` are of what checkpointing ran again, ``modules`` how many in which module.
    ``repeated`` are operations that did again just what an earlier one had done to the same values, by name.
    """

    operations: int
    flops: Total
    seconds: float | None
    modules: dict[str, int]
    repeated: dict[str, int]


def recomputation(graph: Record) -> Recomputation:
    """What was computed more than once."""
    again = [operation for operation in graph.operations if operation.recomputed]
    working = [operation for operation in again if not operation.is_view]
    return Recomputation(
        operations=len(working),
        flops=total_flops(again),
        seconds=None if graph.timing is None else graph.timing.of(operation.index for operation in again),
        modules=dict(Counter(graph.scopes[operation.scope].path for operation in working)),
        repeated=repeated(graph.operations),
    )


def repeated(operations: Iterable[Operation]) -> dict[str, int]:
    """How often which operation did what was done before: same name, arguments and unchanged operands."""
    writes: Counter[int] = Counter()
    seen: set[object] = set()
    found: Counter[str] = Counter()
    for operation in operations:
        operands = operands_of(operation)
        if operands and not (operation.is_view or operation.writes or operation.recomputed or draws(operation.packet)):
            read = tuple((one.storage, one.spec, writes[one.storage]) for one in operands)
            key = (operation.name, read, plain_arguments(operation))
            found[operation.packet] += key in seen
            seen.add(key)
        writes.update(operation.writes)
    return {name: count for name, count in found.most_common() if count}


def plain_arguments(operation: Operation) -> tuple[object, ...]:
    """The arguments of *operation* with its tensors left out."""
    return tuple(map(without_tensors, (*operation.arguments, *(value for _, value in operation.keywords))))


def without_tensors(argument: object) -> object:
    """*argument*, or ``None`` where it is a tensor."""
    if isinstance(argument, tuple):
        return tuple(map(without_tensors, argument))
    # A number and its boolean are told apart: they are equal.
    return None if isinstance(argument, TensorRef) else (type(argument).__name__, argument)


def draws(packet: str) -> bool:
    """Whether the operation may give something else each time, or is made to copy."""
    return any(
        word in packet for word in ("rand", "drop", "bernoulli", "multinomial", "normal", "empty", "clone", "copy")
    )
