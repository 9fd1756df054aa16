"""Masks and other query x key tensors that are written to memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_torchgraph.canonical.program import Given, Item
from pytest_torchgraph.diff.change import Altered, Change, Site, Value
from pytest_torchgraph.diff.scores import may_reach_attention
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    bytes_of,
    is_work,
    made,
    packet,
    read,
    reads_expanded,
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
TRIANGULAR = frozenset({"aten.triu", "aten.tril"})
"""What makes the mask of a causal model, one column longer than the scores where a library wants that."""
CHOOSING = frozenset({"aten.masked_fill", "aten.where"})
"""Operations that build a mask of masks, and put scores where one says so otherwise."""
CHANCE = frozenset({"aten.rand", "aten.rand_like", "aten.bernoulli", "aten.bernoulli_", "aten.empty_like"})
"""What makes other values each time, or the room that they are written into."""
NEARLY = 1.5
"""A mask is larger from this many times the bytes on: one more row or column is the same mask."""
MAKING = COMPARING | {"aten._to_copy"}
"""Operations that make a mask of what is no mask: of the numbers that a tokenizer gives, say."""


def is_mask_work(site: Site) -> bool:
    """Whether the operation at *site* looks like one that builds a mask."""
    name, spec = packet_of(site.name), made(site)
    if reads_leaf(site) or _is_of_chance(site) or (name in CHOOSING and not all(map(_is_of_mask, site.reads))):
        return False
    if spec is None:
        return _writes_mask(site)
    if name in BUILDING or _takes_from_number(site):
        return spec.dtype == "bool" or name in TRIANGULAR or is_square(spec) or _is_longer(spec)
    passes_on = is_square(spec) and len(spec.shape) > 2 and reads_expanded(site)
    return name in PASSING and (spec.dtype == "bool" or passes_on)


def _is_of_chance(site: Site) -> bool:
    """Whether it makes a mask of what is dropped, which no attention is told by."""
    return "Dropout" in site.class_name or any(packet_of(value.maker) in CHANCE for value in site.reads)


def _takes_from_number(site: Site) -> bool:
    """Whether a tensor is taken from a number in a tensor, as ``rsub`` takes it from one of Python's."""
    first = read(site)
    return packet_of(site.name) == "aten.sub" and first is not None and first.shape == ()


def _writes_mask(site: Site) -> bool:
    """Whether the operation writes into a mask, or a part of a query x key tensor over with one."""
    name = packet_of(site.name)
    if name == "aten.copy_":
        return _fills_mask(site)
    return name in BUILDING or (bool(site.reads) and packet_of(site.reads[0].maker) in TRIANGULAR)


def _is_of_mask(value: Value) -> bool:
    """Whether *value* may be a mask, or what one is made of: no operation made it, or one that makes masks did."""
    is_bool = value.spec is not None and value.spec.dtype == "bool"
    return is_bool or not value.maker or packet_of(value.maker) in BUILDING | PASSING


def _fills_mask(site: Site) -> bool:
    """Whether a part of a query x key tensor is written over with what an operation made that builds masks."""
    made_by = f"aten.{site.reads[-1].name.removeprefix('%').rstrip('_0123456789')}" if site.reads else ""
    spec = read(site)
    return made_by in BUILDING and is_square(spec) and spec is not None and len(spec.shape) > 2


def is_square(spec: TensorSpec | None) -> bool:
    """Whether the last two sizes are equal and more than one."""
    return spec is not None and len(spec.shape) > 1 and spec.shape[-1] == spec.shape[-2] > 1


def _is_longer(spec: TensorSpec) -> bool:
    """Whether it is one row, or has one column more than rows, as a mask for a cache that is to grow."""
    return len(spec.shape) < 2 or spec.shape[-1] - 1 == spec.shape[-2] > 1


def materialised(seen: Seen) -> Iterator[Claim]:
    """Query x key tensors that came or went while no attention call changed."""
    came, went = masks_among(seen, seen.added), masks_among(seen, seen.removed)
    if came and went:
        yield _rebuilt(came, went, _altered_with(seen, [*came, *went]), _numbers_for(seen, [*came, *went]))
    elif came:
        yield _claim(came, more=True)
    elif went:
        yield _claim(went, more=False)
    elif exchanged := list(_exchanged(seen)):
        yield _rebuilt([came for came, _ in exchanged], [went for _, went in exchanged], [], [])


def _altered_with(seen: Seen, masks: list[Come]) -> list[Altered]:
    """The operations that build masks in the modules of *masks* and do so otherwise."""
    scopes = {change.site.scope for change in masks}
    return [
        change
        for change in seen.altered
        if change.after.scope in scopes and is_mask_work(change.before) and is_mask_work(change.after)
    ]


def _numbers_for(seen: Seen, masks: list[Come]) -> list[Come]:
    """Numbers in tensors that came or went where *masks* are made."""
    scopes = {change.site.scope for change in masks}
    return [change for change in seen.came_and_went if change.site.scope in scopes and _is_number(change.site.item)]


def _is_number(item: Item) -> bool:
    return isinstance(item, Given) and item.kind != "input" and item.spec.shape == ()


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


def masks_among(seen: Seen, changes: Sequence[Come]) -> list[Come]:
    """What builds masks among *changes*; nothing where none of it writes one of the sizes that attention has."""
    found, sizes = built_for_attention(changes), seen.difference.scores
    if not any(_writes_scores(change, sizes) and _may_mask(change.site) for change in found):
        return []
    scopes = {change.site.scope for change in found}
    return [*found, *(change for change in changes if change.site.scope in scopes and _counts_positions(change))]


def built_for_attention(changes: Iterable[Come]) -> list[Come]:
    """What builds masks among *changes*, where something that is made beside it may come to attention."""
    found = [change for change in changes if is_work(change) and is_mask_work(change.site)]
    places = {change.site.scope for change in found if _may_mask(change.site)}
    return [change for change in found if change.site.scope in places]


def _may_mask(site: Site) -> bool:
    """Whether what is made at *site* may come to attention: what a loss compares does not."""
    return site.body is None or may_reach_attention(site.body, site.item)


def _counts_positions(change: Come) -> bool:
    """Whether positions are shifted, which a mask compares."""
    reads, spec = change.site.reads, made(change.site)
    is_sum = is_work(change) and packet(change) in ("aten.add", "aten.sub", "aten.rsub") and spec is not None
    return is_sum and bool(reads) and packet_of(reads[0].maker) == "aten.arange"


def _writes_scores(change: Come, sizes: frozenset[tuple[int, int]]) -> bool:
    spec = made(change.site)
    if spec is None or packet(change) in ("aten.arange", "aten.scalar_tensor") or len(spec.shape) < 2:
        return False
    rows, columns = spec.shape[-2:]
    is_longer = packet(change) in COMPARING and any(rows == q and columns >= k for q, k in sizes)
    return rows > 1 and (packet(change) in TRIANGULAR or is_longer or (rows, columns) in sizes)


def _largest(sites: Iterable[Site]) -> TensorSpec:
    """The largest matrix that *sites* make; of what is none, where there is none: positions are compared for a mask."""
    specs = [spec for spec in map(made, sites) if spec is not None]
    return max(specs, key=lambda spec: (len(spec.shape) > 1, bytes_of(spec)))


def _size_text(spec: TensorSpec) -> str:
    return f"{spec.text}, {bytes_text(bytes_of(spec))}"


def _claim(found: list[Come], *, more: bool) -> Claim:
    size = _size_text(_largest(change.site for change in found))
    count = times(len(found), "operation")
    kind: Kind = "copy" if all(packet(change) == "aten.clone" for change in found) else "operation"
    if more:
        hint = "it grows with query x key length; is_causal=True or a broadcast mask does not"
        title = f"a mask is written to memory: {size} ({count} more)"
        return Claim(Cause("mask-materialised", hint), kind, title, tuple(found), "more")
    title = f"a mask is written to memory no longer: {size} ({count} fewer)"
    return Claim(Cause("mask-removed", ""), kind, title, tuple(found), "fewer")


def _rebuilt(came: list[Come], went: list[Come], altered: list[Altered], numbers: list[Come]) -> Claim:
    """The same mask by other operations, or a larger or smaller one in its place."""
    before = _largest([*(change.site for change in went), *(change.before for change in altered)])
    after = _largest([*(change.site for change in came), *(change.after for change in altered)])
    count = f"{times(len(came), 'operation')} for {len(went)}"
    changes: tuple[Change, ...] = (*came, *went, *altered, *numbers)
    if max(map(bytes_of, (before, after))) < NEARLY * min(map(bytes_of, (before, after))):
        same = bytes_of(before) == bytes_of(after)
        return Claim(
            Cause("mask-rebuilt", "it takes as much memory as before" if same else ""),
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
