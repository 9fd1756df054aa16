"""What each collective sends, how it is reduced, and among whom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from pytest_torchgraph.analysis.traffic import width_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collective import REDUCTIONS, Redistribution, kind_of, redistribution_of
from pytest_torchgraph.recorded.operation import Argument, Group, Operation, SourceLine, tensors_in
from pytest_torchgraph.recorded.tensor import TensorRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Collective:
    """One operation among ranks.

    ``kind`` is one of ``KINDS``, ``reduction`` how values are combined (``sum``), ``None`` where they are not.
    ``ranks`` are those of its group, ``None`` where the group is not known. ``bytes`` is the size of the message as
    nccl-tests counts it: the larger of what one rank gives and of what it gets, so that an all-gather counts what is
    gathered and a reduce-scatter what is scattered; how much travels on the wire depends on the algorithm. ``None``
    where a size is not known, 0 for a barrier. ``operation`` is its position in the graph, ``module`` the path of the
    module call it runs in. ``redistribution`` is the ``DTensor`` that it places otherwise, where it does.
    """

    kind: str
    reduction: str | None
    ranks: tuple[int, ...] | None
    bytes: int | None
    operation: int
    name: str
    module: str
    phase: str
    source: SourceLine | None = None
    redistribution: Redistribution | None = None


def reduction_of(arguments: Iterable[object]) -> str | None:
    """How values are combined, as among the *arguments* of a collective."""
    return next((one for one in arguments if isinstance(one, str) and one in REDUCTIONS), None)


def group_of(arguments: Iterable[object]) -> Group | None:
    """The group among the *arguments* of a collective."""
    return next((one for one in arguments if isinstance(one, Group)), None)


def given_to(operation: Operation) -> tuple[Argument, ...]:
    """All arguments of *operation*, those by keyword last."""
    return *operation.arguments, *(value for _, value in operation.keywords)


def message_bytes(operation: Operation) -> int | None:
    """Bytes of the message of a collective: see :class:`Collective`; 0 for any other operation."""
    if kind_of(operation.name) in (None, "barrier"):
        return 0
    sides = [bytes_in(argument) for argument in (*given_to(operation), operation.results)]
    known = [side for side in sides if side is not None]
    return max(known, default=0) if len(known) == len(sides) else None


def bytes_in(argument: Argument) -> int | None:
    """Bytes of all tensors in *argument*; ``None`` where a size is not known."""
    sizes = [tensor_bytes(reference) for reference in tensors_in((argument,))]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def tensor_bytes(reference: TensorRef) -> int | None:
    """Bytes of the elements of a tensor, dense."""
    shape = reference.spec.shape
    return None if any(size < 0 for size in shape) else math.prod(shape) * width_of(reference.spec.dtype)


def collectives_in(operations: Iterable[Operation], paths: tuple[str, ...]) -> Iterator[Collective]:
    """The collectives among *operations*; *paths* are those of the module calls, by position."""
    for operation in operations:
        kind = kind_of(operation.name)
        if kind is not None:
            given = given_to(operation)
            group = group_of(given)
            yield Collective(
                kind=kind,
                reduction=reduction_of(given),
                ranks=None if group is None else group.ranks,
                bytes=message_bytes(operation),
                operation=operation.index,
                name=operation.packet,
                module=paths[operation.scope],
                phase=operation.phase,
                source=operation.source,
                redistribution=redistribution_of(dict(operation.keywords)),
            )
