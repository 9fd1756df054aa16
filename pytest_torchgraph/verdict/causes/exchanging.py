"""An operation in the place of another one: of the same values, and as much made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pytest_torchgraph.diff.change import Added, Removed, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, bytes_of, is_work, made, packet
from pytest_torchgraph.words.counting import times


def exchanged(seen: Seen) -> Iterator[Claim]:
    """Operations of the forward pass that went where others came that read the same and write as much."""
    waiting: dict[object, list[Added]] = defaultdict(list)
    for change in seen.added:
        waiting[_work_of(change)].append(change)
    pairs: dict[tuple[str, str], list[tuple[Removed, Added]]] = defaultdict(list)
    for went in seen.removed:
        key = _work_of(went)
        if key is not None and waiting[key]:
            came = waiting[key].pop(0)
            pairs[packet(went), packet(came)].append((went, came))
    for (before, after), swaps in pairs.items():
        if before != after:
            changes = tuple(change for swap in swaps for change in reversed(swap))
            cause = Cause("outer-product", OUTER) if all(map(_is_outer, swaps)) else Cause("", "")
            yield Claim(cause, "operation", f"{times(len(swaps), 'operation')} swapped: {before} -> {after}", changes)


def outer_products(seen: Seen) -> Iterator[Claim]:
    """Products of matrices that became products of numbers in their place, or the other way round."""
    found = [change for change in seen.altered if _is_outer_pair(change.before, change.after)]
    if found:
        names = dict.fromkeys(f"{packet_of(one.before.name)} -> {packet_of(one.after.name)}" for one in found)
        title = f"{times(len(found), 'operation')} swapped: {', '.join(names)}"
        yield Claim(Cause("outer-product", OUTER), "operation", title, tuple(found))


OUTER = "each number of one times each of the other, as a matrix product or by broadcasting"
PRODUCTS = frozenset({"aten.bmm", "aten.mm"})
TWO = 2


def _is_outer(swap: tuple[Removed, Added]) -> bool:
    return _is_outer_pair(swap[0].site, swap[1].site)


def _is_outer_pair(before: Site, after: Site) -> bool:
    """Whether one is a product of matrices that sums over one number only, and the other of numbers."""
    names = {packet_of(site.name) for site in (before, after)}
    product = next((site for site in (before, after) if packet_of(site.name) in PRODUCTS), None)
    if product is None or "aten.mul" not in names or len(product.reads) != TWO:
        return False
    first = product.reads[0].spec
    return first is not None and first.shape[-1:] == (1,)


def _work_of(change: Come) -> object:
    """What an operation has to share with the one in its place: where it is, what it reads, how much it makes of it."""
    spec, reads = made(change.site), change.site.reads
    if not is_work(change) or spec is None or not reads or phase_of(change) != FORWARD or change.follows:
        return None
    return change.site.scope, frozenset(value.name for value in reads), spec.dtype, bytes_of(spec)
