"""Masks and other query x key tensors that are written to memory."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Site
from pytest_torchgraph.graph.counting import times
from pytest_torchgraph.graph.operation import packet_of
from pytest_torchgraph.graph.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    bytes_of,
    is_expanded,
    is_work,
    made,
    packet,
    reads_leaf,
)
from pytest_torchgraph.verdict.finding import Kind
from pytest_torchgraph.verdict.quantity import bytes_text

COMPARING = frozenset(f"aten.{name}" for name in ("le", "ge", "lt", "gt", "eq", "ne", "logical_not", "logical_and"))
BUILDING = COMPARING | frozenset(
    f"aten.{name}"
    for name in (
        *("ones", "zeros", "full", "ones_like", "zeros_like", "full_like", "new_ones", "new_zeros", "new_full"),
        *("tril", "triu", "where", "masked_fill", "masked_fill_", "scalar_tensor", "arange", "rsub", "index_put"),
        *("logical_or", "bitwise_and", "bitwise_or", "bitwise_not", "bitwise_and_", "bitwise_or_", "cumsum"),
    )
)
"""Operations that build a mask from nothing, or from another mask."""
PASSING = frozenset({"aten.clone", "aten._to_copy", "aten.mul", "aten.add", "aten.sub", "aten.copy_", "aten.index"})
"""Operations that may pass a mask on."""


def is_mask_work(site: Site) -> bool:
    """Whether the operation at *site* looks like one that builds a mask."""
    name, spec = packet_of(site.name), made(site)
    if reads_leaf(site):
        return False
    if name in BUILDING:
        return spec is None or spec.dtype == "bool" or is_square(spec) or len(spec.shape) < 2
    if name not in PASSING or spec is None:
        return False
    return spec.dtype == "bool" or (is_square(spec) and len(spec.shape) > 2 and is_expanded(site))


def is_square(spec: TensorSpec | None) -> bool:
    """Whether the last two sizes are equal and more than one."""
    return spec is not None and len(spec.shape) > 1 and spec.shape[-1] == spec.shape[-2] > 1


def materialised(seen: Seen) -> Iterator[Claim]:
    """Query x key tensors that came or went while no attention call changed."""
    for changes, more in ((seen.added, True), (seen.removed, False)):
        found = [change for change in changes if is_work(change) and is_mask_work(change.site)]
        largest = max((made(change.site) for change in found), key=bytes_of, default=None)
        if found and any(map(_writes_square, found)) and largest is not None:
            yield _claim(found, largest, more=more)


def _writes_square(change: Come) -> bool:
    spec = made(change.site)
    return is_square(spec) and packet(change) not in ("aten.arange", "aten.scalar_tensor")


def _claim(found: list[Come], largest: TensorSpec, *, more: bool) -> Claim:
    size = f"{largest.text}, {bytes_text(bytes_of(largest))}"
    count = times(len(found), "operation")
    kind: Kind = "copy" if all(packet(change) == "aten.clone" for change in found) else "operation"
    if more:
        hint = "it grows with query x key length; is_causal=True, or a mask that is broadcast, takes no such memory"
        title = f"a mask is written to memory: {size} ({count} more)"
        return Claim(Cause("mask-materialised", hint), kind, title, tuple(found), "more")
    cause = Cause("mask-removed", "query x key values are no longer written")
    return Claim(cause, kind, f"no mask is written to memory: {size} ({count} fewer)", tuple(found), "fewer")
