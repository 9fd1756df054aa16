"""Masks and other query x key tensors that are written to memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_torchgraph.diff.change import Change, Site
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
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
    read,
    reads_leaf,
)
from pytest_torchgraph.verdict.finding import Kind
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

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
MAKING = COMPARING | {"aten._to_copy"}
"""Operations that make a mask of what is no mask: of the numbers that a tokenizer gives, say."""


def is_mask_work(site: Site) -> bool:
    """Whether the operation at *site* looks like one that builds a mask."""
    name, spec = packet_of(site.name), made(site)
    if reads_leaf(site):
        return False
    if name == "aten.copy_" and spec is None:
        return _fills_mask(site)
    if name in BUILDING:
        return spec is None or spec.dtype == "bool" or is_square(spec) or len(spec.shape) < 2
    if name not in PASSING or spec is None:
        return False
    return spec.dtype == "bool" or (is_square(spec) and len(spec.shape) > 2 and is_expanded(site))


def _fills_mask(site: Site) -> bool:
    """Whether a part of a query x key tensor is written over with what an operation made that builds masks."""
    made_by = f"aten.{site.reads[-1].name.removeprefix('%').rstrip('_0123456789')}" if site.reads else ""
    spec = read(site)
    return made_by in BUILDING and is_square(spec) and spec is not None and len(spec.shape) > 2


def is_square(spec: TensorSpec | None) -> bool:
    """Whether the last two sizes are equal and more than one."""
    return spec is not None and len(spec.shape) > 1 and spec.shape[-1] == spec.shape[-2] > 1


def materialised(seen: Seen) -> Iterator[Claim]:
    """Query x key tensors that came or went while no attention call changed."""
    came, went = _masks(seen, seen.added), _masks(seen, seen.removed)
    if came and went:
        yield _rebuilt(came, went)
    elif came:
        yield _claim(came, more=True)
    elif went:
        yield _claim(went, more=False)
    elif exchanged := list(_exchanged(seen)):
        yield _rebuilt(*map(list, zip(*exchanged, strict=True)))


def _exchanged(seen: Seen) -> Iterator[tuple[Come, Come]]:
    """Operations that make the same mask of the same values as those in whose place they came."""
    gone = {_mask_of(change): change for change in seen.removed if _mask_of(change)}
    for came in seen.added:
        went = gone.pop(_mask_of(came), None) if gone else None
        if went is not None:
            yield came, went


def _mask_of(change: Come) -> object:
    """Where it is made, of what, and its spec, where *change* is one operation that makes a mask; else nothing."""
    spec, reads = made(change.site), change.site.reads
    is_mask = is_work(change) and spec is not None and spec.dtype == "bool" and packet(change) in MAKING and reads
    return (change.site.scope, reads[0].name, spec) if is_mask else None


def _masks(seen: Seen, changes: Sequence[Come]) -> list[Come]:
    """What builds masks among *changes*; nothing where none of it writes one of the sizes that attention has."""
    found = [change for change in changes if is_work(change) and is_mask_work(change.site)]
    sizes = seen.difference.scores
    return found if any(_writes_scores(change, sizes) for change in found) else []


def _writes_scores(change: Come, sizes: frozenset[tuple[int, int]]) -> bool:
    spec = made(change.site)
    if spec is None or packet(change) in ("aten.arange", "aten.scalar_tensor") or len(spec.shape) < 2:
        return False
    return spec.shape[-2:] in sizes and spec.shape[-2] > 1


def _largest(changes: Sequence[Come]) -> TensorSpec:
    specs = [spec for spec in (made(change.site) for change in changes) if spec is not None]
    return max(specs, key=bytes_of)


def _size_text(spec: TensorSpec) -> str:
    return f"{spec.text}, {bytes_text(bytes_of(spec))}"


def _claim(found: list[Come], *, more: bool) -> Claim:
    size = _size_text(_largest(found))
    count = times(len(found), "operation")
    kind: Kind = "copy" if all(packet(change) == "aten.clone" for change in found) else "operation"
    if more:
        hint = "it grows with query x key length; is_causal=True, or a broadcast mask, takes no such memory"
        title = f"a mask is written to memory: {size} ({count} more)"
        return Claim(Cause("mask-materialised", hint), kind, title, tuple(found), "more")
    title = f"a mask is written to memory no longer: {size} ({count} fewer)"
    return Claim(Cause("mask-removed", ""), kind, title, tuple(found), "fewer")


def _rebuilt(came: list[Come], went: list[Come]) -> Claim:
    """The same mask by other operations, or a larger or smaller one in its place."""
    before, after = _largest(went), _largest(came)
    count = f"{times(len(came), 'operation')} for {len(went)}"
    changes: tuple[Change, ...] = (*came, *went)
    if bytes_of(before) == bytes_of(after):
        hint = "it takes as much memory as before"
        return Claim(
            Cause("mask-rebuilt", hint),
            "operation",
            f"a mask is made otherwise: {_size_text(after)} ({count})",
            changes,
        )
    more = bytes_of(after) > bytes_of(before)
    sizes = f"{_size_text(after)}, was {_size_text(before)}"
    title = f"a {'larger' if more else 'smaller'} mask is written to memory: {sizes} ({count})"
    if more:
        return Claim(Cause("mask-materialised", "it grows with query x key length"), "operation", title, changes)
    return Claim(Cause("mask-removed", "the larger mask is written no longer"), "operation", title, changes)
