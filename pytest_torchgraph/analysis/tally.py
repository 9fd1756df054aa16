"""Counts and totals derived from operations."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Protocol

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS, GROUPS
from pytest_torchgraph.recorded.operation import Operation, packet_of

INSTEAD = {
    "aten.contiguous": "aten.clone",
    "aten.reshape": "aten.clone, or the group views",
    "aten.flatten": "aten.clone, or the group views",
    "aten.to": "aten._to_copy, or the group casts",
    "aten.type_as": "aten._to_copy, or the group casts",
    "aten.float": "aten._to_copy, or the group casts",
    "aten.half": "aten._to_copy, or the group casts",
    "aten.item": "aten._local_scalar_dense, or the group syncs",
    "aten.linear": "aten.addmm, aten.mm, or the group matmuls",
    "aten.matmul": "aten.mm, aten.bmm, or the group matmuls",
    "aten.einsum": "aten.bmm, or the group matmuls",
    "aten.layer_norm": "aten.native_layer_norm",
    "aten.batch_norm": "aten.native_batch_norm",
    "aten.group_norm": "aten.native_group_norm",
    "aten.conv1d": "aten.convolution",
    "aten.conv2d": "aten.convolution",
    "aten.conv3d": "aten.convolution",
    "aten.softmax": "aten._softmax",
    "aten.log_softmax": "aten._log_softmax",
    "aten.dropout": "aten.native_dropout, or aten.bernoulli_",
    "aten.scaled_dot_product_attention": "torch.nn.functional.scaled_dot_product_attention, or the group attention",
}


class Countable(Protocol):
    """A graph, or some of its operations."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What is counted."""
        ...

    @property
    def vocabulary(self) -> Callable[[], frozenset[str]] | None:
        """The operation names of the PyTorch that ran; ``None`` for what was read from a file."""
        ...


class UnknownName(LookupError):
    """An operation, group or pattern that nothing can match; the message says what to write instead."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """A sum whose parts may be unknown; prints with ``≥`` when some are.

    It compares with numbers and divides by them. Where it is known only in part and that decides, that raises
    ``ValueError`` with the names of what is unknown: no assertion passes by it.
    """

    at_least: int
    unknown: tuple[str, ...] = ()

    def __lt__(self, limit: float) -> bool:
        return self.at_least < limit and self._whole() < limit

    def __le__(self, limit: float) -> bool:
        return self.at_least <= limit and self._whole() <= limit

    def __gt__(self, limit: float) -> bool:
        return self.at_least > limit or self._whole() > limit

    def __ge__(self, limit: float) -> bool:
        return self.at_least >= limit or self._whole() >= limit

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Total):
            return (self.at_least, self.unknown) == (other.at_least, other.unknown)
        return self.at_least == other and not self.unknown

    def __hash__(self) -> int:
        return hash((self.at_least, self.unknown) if self.unknown else self.at_least)

    def __index__(self) -> int:
        return self._whole()

    def __truediv__(self, number: float) -> float:
        return self._whole() / number

    def _whole(self) -> int:
        """The sum; raises ``ValueError`` where a part is unknown."""
        if self.unknown:
            raise ValueError(f"known only in part ({self}): nothing is known of {', '.join(self.unknown)}")
        return self.at_least

    def __str__(self) -> str:
        return f"≥{self.at_least}" if self.unknown else str(self.at_least)

    def exactly(self) -> int | None:
        """The sum, or ``None`` where a part is unknown."""
        return None if self.unknown else self.at_least


def total_flops(operations: Iterable[Operation]) -> Total:
    """FLOPs of *operations*; a matmul-like operation without a formula makes the total unknown and is named."""
    known, unknown = 0, set()
    for operation in operations:
        if operation.flops is None:
            unknown.add(operation.packet)
        else:
            known += operation.flops
    return Total(known, tuple(sorted(unknown)))


def why_unknown(graph: Countable) -> str:
    """Why the FLOPs of *graph* are known only in part; empty where they are known."""
    total = total_flops(graph.operations)
    if not total.unknown:
        return ""
    if graph.vocabulary is None and all(operation.flops is None for operation in graph.operations):
        return "a graph read from a file has no FLOPs"
    return f"no formula for {', '.join(total.unknown)}"


class OperationCounts(Mapping[str, int]):
    """Counts by name as users write them: ``"aten.clone"``, ``"aten.clone.default"``; also groups and API calls.

    A name that was not seen counts 0 when the running PyTorch has such an operation; any other name raises
    :class:`UnknownName` with what to write instead.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        vocabulary: Callable[[], frozenset[str]] | None,
        other: Callable[[str], int | None],
    ) -> None:
        self._counts = dict(sorted(counts.items()))
        self._vocabulary = vocabulary
        self._other = other
        packets: dict[str, int] = {}
        for name, count in self._counts.items():
            packet = packet_of(name)
            packets[packet] = packets.get(packet, 0) + count
        self._packets = packets

    def __getitem__(self, name: str) -> int:
        __tracebackhide__ = True
        if name in self._packets:
            return self._packets[name]
        if name in self._counts:
            return self._counts[name]
        other = self._other(name)
        if other is not None:
            return other
        require_known(name, self._vocabulary, seen=self._packets)
        return 0

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._packets))

    def __len__(self) -> int:
        return len(self._packets)

    def __contains__(self, name: object) -> bool:
        return name in self._packets or name in self._counts

    def __repr__(self) -> str:
        return f"OperationCounts({ {name: self._packets[name] for name in self} })"


def require_known(name: str, vocabulary: Callable[[], frozenset[str]] | None, *, seen: Iterable[str] = ()) -> None:
    """Raise :class:`UnknownName` unless the running PyTorch has a dispatcher operation called *name*."""
    __tracebackhide__ = True
    if name in INSTEAD:
        raise UnknownName(
            f"{name!r} never reaches the dispatcher: it is made of other operations. Write {INSTEAD[name]}."
        )
    if vocabulary is None:
        raise UnknownName(
            f"{name!r} is not in this graph, and a graph read from a file cannot tell whether PyTorch has it.\n"
            f"It holds: {', '.join(sorted(seen)) or 'no operation'}."
        )
    known = vocabulary()
    if name not in known:
        raise UnknownName(f"PyTorch's dispatcher has no operation {name!r}{suggestion(name, known)}")


def call_name(name: str) -> str | None:
    """The API call that *name* means, with or without a namespace; ``None`` where there is none."""
    last = name.removeprefix("aten.").removeprefix("torch.nn.functional.").removeprefix("F.")
    return last if last in ATTENTION_CALLS else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'aten.clone'?"``, or a full stop when no known name is near."""
    spelled = name if name.startswith("aten.") or "." in name else f"aten.{name}"
    groups = difflib.get_close_matches(name, [*GROUPS, *ATTENTION_CALLS], n=1, cutoff=0.75)
    near = groups + difflib.get_close_matches(spelled, list(known), n=3 - len(groups), cutoff=0.75)
    return f"; did you mean {' or '.join(repr(match) for match in near)}?" if near else "."


def matches(operation: Operation, pattern: str) -> bool:
    """Whether the name, with or without its overload, matches the glob *pattern*."""
    return fnmatchcase(operation.packet, pattern) or fnmatchcase(operation.name, pattern)
