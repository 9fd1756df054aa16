"""Which items of two bodies correspond in their order, and which calls stand in another order among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from pytest_torchgraph.canonical.program import ModuleCall, ParameterLoop, PhaseBlock, Semantic
from pytest_torchgraph.diff.alignment import align
from pytest_torchgraph.diff.keys import LEVELS, Keys, Level, forward_pair, is_local, same_call, same_kind, same_makers
from pytest_torchgraph.diff.tree import Body

Gap: TypeAlias = "tuple[range, range]"


def sequence_pairs(
    before_keys: Keys, before: Body, after_keys: Keys, after: Body, start: int = 0
) -> list[tuple[int, int]]:
    """Corresponding items of two bodies, in order: the strictest likeness first, looser ones in the gaps it leaves.

    The first *start* items are the same (:func:`same_start`).
    """
    stops = _same_end((before_keys, before), (after_keys, after), start)
    gaps: list[Gap] = [(range(start, stops[0]), range(start, stops[1]))]
    ends = range(stops[0], len(before.record.items)), range(stops[1], len(after.record.items))
    pairs = [(at, at) for at in range(start)] + list(zip(*ends, strict=True))
    alike = Counter(_calls_of(before_keys, before)) == Counter(_calls_of(after_keys, after))
    for level in (same_call, *LEVELS) if alike else LEVELS:
        remaining: list[Gap] = []
        for left, right in gaps:
            found = _level_pairs(level, (before_keys, before, left), (after_keys, after, right), alike=alike)
            pairs.extend((left[x], right[y]) for x, y in found)
            remaining.extend(_between(found, left, right))
        gaps = remaining
    return sorted(pairs)


def same_start(before_keys: Keys, before: Body, after_keys: Keys, after: Body) -> int:
    """How many items two bodies begin with that do the same on the same values of these bodies."""
    left, right = _told(before_keys, before), _told(after_keys, after)
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other or not all(map(is_local, one[1])):
            return at
    return min(len(before.record.items), len(after.record.items))


def _told(keys: Keys, body: Body) -> Iterator[tuple[int, tuple[object, ...], object, object]]:
    """What each item does and reads, and of a call what else it is told by."""
    for at, (plain, wires) in enumerate(zip(keys.plain[body.number], keys.wiring[body.number], strict=True)):
        is_call = at in body.inner
        yield (
            plain,
            wires,
            told_as(keys, body, at) if is_call else None,
            forward_pair(keys, body, at) if is_call else None,
        )


def _same_end(before: tuple[Keys, Body], after: tuple[Keys, Body], start: int) -> tuple[int, int]:
    """Where the items begin that two bodies end with and that the strictest likeness pairs; *start* are the same.

    Only of bodies that call nothing and are given nothing: there nothing is told by the names of modules. What is
    alike at the beginning goes first, as it does in :func:`~.alignment.align`.
    """
    stops = [len(body.record.items) for _, body in (before, after)]
    if any(body.inner or body.inputs or body.forward is not body for _, body in (before, after)):
        return stops[0], stops[1]
    while start < min(stops) and same_makers(*before, start) == same_makers(*after, start):
        start += 1
    while start < min(stops) and same_makers(*before, stops[0] - 1) == same_makers(*after, stops[1] - 1):
        stops = [stop - 1 for stop in stops]
    return stops[0], stops[1]


def _calls_of(keys: Keys, body: Body) -> list[object]:
    """The modules that a body calls, and what they hold: where two call the same in any order, each stands for itself.

    Where a layer was put in or taken out, what layers do tells better than their numbers which is which.
    """
    items = ((at, item) for at, item in enumerate(body.record.items) if isinstance(item, ModuleCall))
    return [(item.name, item.call, item.class_name, keys.held(body.inner[at])) for at, item in items]


def _level_pairs(
    level: Level, before: tuple[Keys, Body, range], after: tuple[Keys, Body, range], *, alike: bool
) -> list[tuple[int, int]]:
    """Pairs of one gap at one level, as positions in the gap; *alike* calls of modules stand for nothing else."""
    sides = [_numbers(level, *side, alike=alike) for side in (before, after)]
    kept = [[(at, number) for at, number in enumerate(side) if number is not None] for side in sides]
    # One operation takes the place of another only where as many came as went, copies on the way left aside.
    if level is same_kind and len(kept[0]) != len(kept[1]):
        return []
    found = align(*([number for _, number in side] for side in kept))
    return [(kept[0][x][0], kept[1][y][0]) for x, y in found]


def _numbers(level: Level, keys: Keys, body: Body, gap: range, *, alike: bool) -> list[int | None]:
    """The key of each item as a number, ``None`` where it has none at this level; only these are ever compared."""
    number = keys.interner.number
    found: list[int | None] = []
    for at in gap:
        told = told_as(keys, body, at)
        if told is not None:
            # At one level only: there it meets the call that it is said to be, and it may never meet another.
            found.append(number(told) if level is LEVELS[0] else None)
            continue
        if alike and level is not same_call and isinstance(body.record.items[at], ModuleCall):
            found.append(None)
            continue
        pair = forward_pair(keys, body, at)
        key = level(keys, body, at) if pair is None else ("stands for", pair)
        found.append(None if key is None else number(key))
    return found


def _between(pairs: list[tuple[int, int]], left: range, right: range) -> Iterator[Gap]:
    """The stretches between *pairs* in which both sides have something."""
    x0 = y0 = 0
    for x, y in [*pairs, (len(left), len(right))]:
        if x > x0 and y > y0:
            yield left[x0:x], right[y0:y]
        x0, y0 = x + 1, y + 1


def crossing_calls(
    before: tuple[Keys, Body], after: tuple[Keys, Body], pairs: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Calls of the same modules, and as many API calls of one name, that stand in another order among the rest."""
    waiting: dict[object, list[int]] = defaultdict(list)
    for at in _unpaired(before[1], {left for left, _ in pairs}):
        waiting[_call_of(*before, at)].append(at)
    others: dict[object, list[int]] = defaultdict(list)
    for at in _unpaired(after[1], {right for _, right in pairs}):
        others[_call_of(*after, at)].append(at)
    return [
        pair
        for call, left in waiting.items()
        if call is not None and len(left) == len(others.get(call, []))
        for pair in zip(left, others[call], strict=True)
    ]


def _unpaired(body: Body, paired: set[int]) -> Iterator[int]:
    return (at for at in body.inner if at not in paired)


def told_as(keys: Keys, body: Body, at: int) -> object:
    """What the item is told by where it is a call that is said to be another; ``None`` for all else."""
    return keys.told.get(body.inner[at].number) if keys.told and at in body.inner else None


def _call_of(keys: Keys, body: Body, at: int) -> object:
    told = told_as(keys, body, at)
    if told is not None:
        return told
    match body.record.items[at]:
        case ModuleCall() | PhaseBlock() | ParameterLoop() as block:
            return type(block), block.name, block.call
        case Semantic(name=name):
            return "api", name
        case _:
            return None
