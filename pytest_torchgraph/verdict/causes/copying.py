"""Copies: of parameters in each call, of views, of what lies in one piece already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_torchgraph.canonical.program import Given, Work
from pytest_torchgraph.diff.change import Added, Altered
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.kinds import COPIES, MOVES
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD, OPTIMIZER
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    bytes_of,
    is_expanded,
    is_view,
    is_work,
    made,
    module_of,
    named_places,
    packet,
    read,
)
from pytest_torchgraph.verdict.finding import Finding
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.verdict.title import balance
from pytest_torchgraph.words.counting import times

MOVED = "what the model holds is copied or cast in each call; do it once, when built"


@both_ways
def moved_each_call(side: Side) -> Iterator[Claim]:
    """Parameters or buffers that are copied or cast in the forward pass."""
    found = [change for change in side.changes if _moves_leaf(change)]
    if found:
        size = bytes_text(sum(bytes_of(made(change.site)) for change in found))
        first = found[0].site.reads[0].path
        what = f"{times(len(found), 'copy')} of parameters or buffers in each call{'' if side.more else ' no longer'}"
        title = f"{what}, {size}: {first}{', …' if len(found) > 1 else ''}"
        cause = Cause("moved-each-call", MOVED) if side.more else Cause("moved-once", "")
        yield Claim(cause, "copy", title, tuple(found), "more" if side.more else "fewer")


def moved_otherwise(seen: Seen) -> Iterator[Claim]:
    """Parameters or buffers that are copied or cast in each call, as before, by another operation."""
    waiting = {_leaf_of(change): change for change in seen.removed if _moves_leaf(change)}
    pairs = [
        (waiting.pop(_leaf_of(came)), came) for came in seen.added if _moves_leaf(came) and _leaf_of(came) in waiting
    ]
    if not pairs:
        return
    went, came = pairs[0]
    what = f"{times(len(pairs), 'copy')} of parameters or buffers in each call, as before"
    more = ", …" if len(pairs) > 1 else ""
    title = f"{what}, by {packet(came)} for {packet(went)}: {came.site.reads[0].path}{more}"
    changes = tuple(change for went, came in pairs for change in (came, went))
    yield Claim(Cause("copied-elsewhere", LEAF_AS_BEFORE), "copy", title, changes)


LEAF_AS_BEFORE = "another operation copies it now (.clone(), .to()); it could be done once"


def _leaf_of(change: Come) -> tuple[object, ...]:
    """Which values are copied, and how many."""
    spec = made(change.site)
    return (change.site.scope, change.site.reads[0].path, spec.shape if spec else None)


@both_ways
def joined_with_nothing(side: Side) -> Iterator[Claim]:
    """Tensors that are concatenated with empty ones, as a cache that holds nothing yet, or with nothing at all."""
    joined = [change for change in side.changes if _joins_nothing(change)]
    alone = [change for change in joined if len(change.site.reads) == 1]
    for found in (alone, [change for change in joined if change not in alone]):
        if found:
            yield _joined(side, found, alone=found is alone)


def _joined(side: Side, found: list[Come], *, alone: bool) -> Claim:
    scopes = {change.site.scope for change in found}
    empty = [change for change in side.changes if change.site.scope in scopes and _is_empty_constant(change)]
    size = bytes_text(sum(bytes_of(made(change.site)) for change in found))
    no_longer = "" if side.more else " no longer"
    what = "of one tensor alone" if alone else "with an empty tensor"
    title = f"{times(len(found), 'copy')} by aten.cat {what}{no_longer}, {size}"
    cause = Cause("extra-copy", JOINED_ALONE if alone else JOINED) if side.more else Cause("copy-removed", "")
    return Claim(cause, "copy", title, (*found, *empty), "more" if side.more else "fewer")


@both_ways
def changes_nothing(side: Side) -> Iterator[Claim]:
    """Sums with 0 and products with 1, which write what they read to other memory."""
    found = [change for change in side.changes if _changes_nothing(change)]
    if found:
        names = ", ".join(dict.fromkeys(f"{packet(change)} of {NEUTRAL[packet(change)]:g}" for change in found))
        no_longer = "" if side.more else " no longer"
        count = times(len(found), "operation", "+d" if side.more else "")
        title = f"{names}{no_longer}, which changes nothing: {named_places(found)} ({count})"
        cause = Cause("extra-copy", NEUTRAL_HINT) if side.more else Cause("copy-removed", "")
        yield Claim(cause, "copy", title, tuple(found), "more" if side.more else "fewer")


NEUTRAL: Mapping[str, float] = {"aten.add": 0, "aten.sub": 0, "aten.mul": 1, "aten.div": 1}
NEUTRAL_HINT = "a number that may be another in other calls? (the length of a cache)"


def _changes_nothing(change: Come) -> bool:
    """Whether a number is added or multiplied with that leaves each value as it is, and its type."""
    item, source = change.site.item, read(change.site)
    if not isinstance(item, Work) or packet(change) not in NEUTRAL or len(item.arguments) < NEEDED or item.keywords:
        return False
    number = item.arguments[1]
    same = type(number) in (int, float) and number == NEUTRAL[packet(change)]
    return same and len(change.site.reads) == 1 and source == made(change.site) and phase_of(change) == FORWARD


NEEDED = 2
"""Arguments of a sum: what is added, and to what."""
JOINED = "what is concatenated with nothing is copied all the same (a cache that is empty yet?)"
JOINED_ALONE = "torch.cat of a list with one tensor in it copies that"


def _joins_nothing(change: Come) -> bool:
    if not is_work(change) or packet(change) != "aten.cat":
        return False
    specs = [value.spec for value in change.site.reads]
    return all(specs) and [spec is not None and 0 in spec.shape for spec in specs].count(False) == 1


def _is_empty_constant(change: Come) -> bool:
    item = change.site.item
    return isinstance(item, Given) and item.kind != "input" and 0 in item.spec.shape


def copied_otherwise(seen: Seen) -> Iterator[Claim]:
    """As many copies as before, of other views of the same values: a ``.contiguous()`` before or after a transpose."""
    copies = [change for change in seen.altered if packet_of(change.after.name) in COPIES and _lies(change)]
    leading = [change for change in copies if not change.follows]
    if not leading:
        return
    modules = set(map(module_of, copies))
    behind = [
        change for change in seen.altered if module_of(change) in modules and change not in copies and _lies(change)
    ]
    before, after = made(leading[0].before), made(leading[0].after)
    what = f"{before.text} -> {after.text}" if before and after and before.text != after.text else "with other strides"
    made_of = f"{times(len(leading), 'copy')} made of {'another view' if len(leading) == 1 else 'other views'}"
    title = f"{made_of}: {packet_of(leading[0].after.name)} {what}"
    yield Claim(
        Cause("copied-elsewhere", OTHERWISE), "copy", title, (*leading, *(c for c in copies if c.follows), *behind)
    )


OTHERWISE = "as many copies as before, made before or after a transpose (.contiguous())"


def _lies(change: Altered) -> bool:
    return all(field.kind in ("shape", "stride", "geometry") for field in change.fields)


def _moves_leaf(change: Come) -> bool:
    reads = change.site.reads
    is_move = is_work(change) and packet(change) in MOVES and phase_of(change) != OPTIMIZER
    return is_move and bool(reads) and bool(reads[-1 if packet(change) == "aten.copy_" else 0].path)


def copied(finding: Finding) -> Cause | None:
    """A copy more or fewer, by what is copied."""
    net = balance(finding.groups)
    if net <= 0:
        return Cause("copy-removed", "") if net else Cause("copied-elsewhere", AS_MANY)
    sites = [group.first.site for group in finding.groups if isinstance(group.first, Added)]
    made = [site for site in sites if packet_of(site.name) != "aten.copy_"]
    if not made and any(map(is_view, sites)):
        return Cause("extra-copy", PART)
    if any(map(is_expanded, made)):
        return Cause("extra-copy", EXPANDED)
    if any(map(is_view, made)):
        return Cause("extra-copy", VIEW)
    return Cause("extra-copy", PLAIN)


AS_MANY = "as many copies as before, of other values"
EXPANDED = "an expanded tensor is written out in full (.expand(...).reshape(...), .repeat)"
VIEW = "a transposed or sliced view is copied (.contiguous(), .reshape())"
PART = "values are written into a part of another tensor (x[...] = y)"
PLAIN = "the same values are written to other memory (.clone(), copy_); is the copy needed?"
