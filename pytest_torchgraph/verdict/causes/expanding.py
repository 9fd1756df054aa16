"""Tensors that are expanded before work or after it, and values that ``repeat`` writes several times."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Altered, Change, Site, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    bytes_of,
    is_expanded,
    is_work,
    made,
    packet,
)
from pytest_torchgraph.verdict.finding import Direction
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

READINGS = frozenset({"shape", "stride", "geometry", "operand"})
EARLIER = "the same elements stand for several: expand the result, or leave it to broadcasting"


def expanded(seen: Seen) -> Iterator[Claim]:
    """Work that is done on an expanded tensor and was done on what that is expanded from, or the other way round."""
    found = [change for change in seen.altered if phase_of(change) == FORWARD and _is_of_one_size(change)]
    for more in (True, False):
        alike = [change for change in found if _expands(change, more=more) and not change.follows]
        if not alike:
            continue
        before, after = made(alike[0].before), made(alike[0].after)
        sizes = f": {before.text} -> {after.text}" if before and after else ""
        count = f" ({times(len(alike), 'operation')})" if len(alike) > 1 else ""
        name = packet_of(alike[0].after.name)
        title = f"{name} of an expanded tensor{'' if more else ' no longer'}{sizes}{count}"
        cause = Cause("expanded-before", EARLIER) if more else Cause("expanded-after", "")
        yield Claim(cause, "operation", title, tuple(alike), "more" if more else "fewer")


def _is_of_one_size(change: Altered) -> bool:
    """Whether an operation on single elements reads one tensor otherwise, and nothing but sizes is another."""
    sides = change.before, change.after
    alone = all(len(site.reads) == 1 and _is_as_large(site.reads[0], made(site)) for site in sides)
    return alone and all(field.kind in READINGS for field in change.fields)


def _is_as_large(value: Value, spec: TensorSpec | None) -> bool:
    return spec is not None and value.spec is not None and value.spec.shape == spec.shape


def _expands(change: Altered, *, more: bool) -> bool:
    """Whether what is read is expanded where the other side reads one element in place of several."""
    sides = (change.before, change.after) if more else (change.after, change.before)
    narrow, wide = (site.reads[0].spec for site in sides)
    if narrow is None or wide is None or wide.geometry is None or len(narrow.shape) != len(wide.shape):
        return False
    sizes = zip(narrow.shape, wide.shape, wide.geometry.stride, strict=True)
    pairs = [(one, many, stride) for one, many, stride in sizes if one != many]
    return bool(pairs) and all(one == 1 and stride == 0 for one, _, stride in pairs)


def repeated_otherwise(seen: Seen) -> Iterator[Claim]:
    """Values that are written several times as before, by ``repeat`` or by a copy of an expanded tensor."""
    for was, now in (BY, BY[::-1]):
        pairs = [*_swapped(seen, was, now)]
        if pairs:
            spec = made(pairs[0][0])
            what = f": {spec.text}" if spec else ""
            title = f"values are written several times by {WORDS[now]}, by {WORDS[was]} before{what}"
            changes = tuple(change for _, both in pairs for change in both)
            yield Claim(Cause("copied-elsewhere", AS_MUCH), "copy", title, changes)


def _swapped(seen: Seen, was: str, now: str) -> Iterator[tuple[Site, tuple[Change, ...]]]:
    """What does it now, with the changes that say so."""
    for change in seen.altered:
        if _are_swapped(change.before, change.after, was, now):
            yield change.after, (change,)
    waiting = [change for change in seen.removed if packet(change) == was]
    for came in seen.added:
        went = next((change for change in waiting if _are_swapped(change.site, came.site, was, now)), None)
        if went is not None:
            waiting.remove(went)
            yield came.site, (came, went)


REPEAT, CLONE = BY = ("aten.repeat", "aten.clone")
"""What writes values several times."""
WORDS = {REPEAT: REPEAT, CLONE: f"{CLONE} of an expanded tensor"}
AS_MUCH = "either writes as much; .expand() alone writes nothing"


def _are_swapped(before: Site, after: Site, was: str, now: str) -> bool:
    """Whether *now* writes as much in a scope as *was* did, which one of them reads from an expanded tensor."""
    if (packet_of(before.name), packet_of(after.name)) != (was, now) or before.scope != after.scope:
        return False
    copy = after if now == CLONE else before
    return is_expanded(copy) and bytes_of(made(before)) == bytes_of(made(after)) > 0


@both_ways
def repeated(side: Side) -> Iterator[Claim]:
    """Values that ``repeat`` writes to memory several times."""
    found = [change for change in side.changes if _repeats(change)]
    if not found:
        return
    specs = [spec for spec in (made(change.site) for change in found) if spec is not None]
    what = ", ".join(dict.fromkeys(spec.text for spec in specs[:2])) + (", …" if len(specs) > 2 else "")
    size = bytes_text(sum(map(bytes_of, specs)))
    title = f"values are {'' if side.more else 'no longer '}written several times by aten.repeat: {what}, {size}"
    direction: Direction = "more" if side.more else "fewer"
    cause = Cause("extra-copy", _repeat_hint(found)) if side.more else Cause("copy-removed", "")
    yield Claim(cause, "copy", title, tuple(found), direction)


def _repeats(change: Come) -> bool:
    """Whether it repeats something in the forward pass: of nothing but ones it is a copy that is told as others are."""
    spec, reads = made(change.site), change.site.reads
    if not is_work(change) or packet(change) != "aten.repeat" or phase_of(change) != FORWARD or spec is None:
        return False
    return len(reads) == 1 and reads[0].spec is not None and bytes_of(spec) > bytes_of(reads[0].spec)


def _repeat_hint(found: list[Come]) -> str:
    return EXPANDS if all(map(_could_expand, found)) else ""


EXPANDS = ".expand() reads the same values without writing them"


def _could_expand(change: Come) -> bool:
    """Whether only dimensions of one element are repeated."""
    spec, source = made(change.site), change.site.reads[0].spec
    if spec is None or source is None or len(source.shape) > len(spec.shape):
        return False
    kept = spec.shape[len(spec.shape) - len(source.shape) :]
    return all(one in (1, many) for one, many in zip(source.shape, kept, strict=True))
