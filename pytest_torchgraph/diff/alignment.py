"""Align two sequences of keys: which positions correspond, in order, near the fewest insertions and removals."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

Pairs: TypeAlias = "list[tuple[int, int]]"
EDIT_LIMIT = 400
"""Edits searched exhaustively in one stretch; past it the furthest path so far is taken and the search goes on.

Wrong, by more edits than there are, where a stretch of more edits without one key that is unique has a detour that only
pays later: keys that correspond are then told as gone and come. Time grows with the square of it.
"""


def align(before: Sequence[int], after: Sequence[int]) -> Pairs:
    """Positions of equal keys that correspond, increasing on both sides.

    Equal ends are trimmed, keys that are unique on both sides anchor the rest (patience), and the stretches between
    anchors are searched for the shortest edit, which is exact up to ``EDIT_LIMIT`` edits a stretch.
    """
    pairs: Pairs = []
    last = (0, 0)
    start, stop_before, stop_after = _trim(before, after, (0, len(before)), (0, len(after)))
    pairs.extend((at, at) for at in range(start))
    last = (start, start)
    for anchor in [*_anchors(before, after, (start, stop_before), (start, stop_after)), (stop_before, stop_after)]:
        pairs.extend(_stretch(before, after, (last[0], anchor[0]), (last[1], anchor[1])))
        if anchor[0] < stop_before:
            pairs.append(anchor)
        last = (anchor[0] + 1, anchor[1] + 1)
    pairs.extend(zip(range(stop_before, len(before)), range(stop_after, len(after)), strict=True))
    return pairs


def _trim(
    before: Sequence[int], after: Sequence[int], span_before: tuple[int, int], span_after: tuple[int, int]
) -> tuple[int, int, int]:
    """Length of the equal start, and where the equal end begins on each side."""
    (low, high_before), (low_after, high_after) = span_before, span_after
    same = 0
    most = min(high_before - low, high_after - low_after)
    while same < most and before[low + same] == after[low_after + same]:
        same += 1
    most -= same
    while most and before[high_before - 1] == after[high_after - 1]:
        high_before, high_after, most = high_before - 1, high_after - 1, most - 1
    return same, high_before, high_after


def _anchors(
    before: Sequence[int], after: Sequence[int], span_before: tuple[int, int], span_after: tuple[int, int]
) -> Pairs:
    """Positions of keys that occur once on each side, the longest run of them that keeps the order on both."""
    where_before = _unique(before, span_before)
    where_after = _unique(after, span_after)
    shared = [(at, where_after[key]) for key, at in where_before.items() if key in where_after]
    tails: list[int] = []
    chains: list[int] = []
    previous: list[int] = []
    for number, (_, at) in enumerate(shared):
        place = bisect_left(tails, at)
        previous.append(chains[place - 1] if place else -1)
        tails[place : place + 1] = [at]
        chains[place : place + 1] = [number]
    kept: Pairs = []
    number = chains[-1] if chains else -1
    while number >= 0:
        kept.append(shared[number])
        number = previous[number]
    return kept[::-1]


def _unique(keys: Sequence[int], span: tuple[int, int]) -> dict[int, int]:
    counts = Counter(keys[span[0] : span[1]])
    return {key: at for at, key in enumerate(keys[span[0] : span[1]], span[0]) if counts[key] == 1}


def _stretch(
    before: Sequence[int], after: Sequence[int], span_before: tuple[int, int], span_after: tuple[int, int]
) -> Pairs:
    """Shortest edit of one stretch, looking only at keys that both sides of it have."""
    if span_before[0] >= span_before[1] or span_after[0] >= span_after[1]:
        return []
    known_before = set(before[span_before[0] : span_before[1]])
    known = known_before.intersection(after[span_after[0] : span_after[1]])
    kept_before = [at for at in range(*span_before) if before[at] in known]
    kept_after = [at for at in range(*span_after) if after[at] in known]
    found = _shortest_edit([before[at] for at in kept_before], [after[at] for at in kept_after])
    return [(kept_before[left], kept_after[right]) for left, right in found]


def _shortest_edit(before: Sequence[int], after: Sequence[int]) -> Pairs:
    pairs: Pairs = []
    x = y = 0
    while x < len(before) and y < len(after):
        found, x, y = _search(before, after, x, y)
        pairs.extend(found)
    return pairs


def _search(before: Sequence[int], after: Sequence[int], x0: int, y0: int) -> tuple[Pairs, int, int]:
    """Greedy shortest-edit search (Myers) from one point to the end, or to the furthest point within the limit."""
    reach = {1: x0}
    history: list[dict[int, int]] = []
    for edits in range(EDIT_LIMIT + 1):
        history.append(reach)
        reach = dict(reach)
        for diagonal in range(-edits, edits + 1, 2):
            x = _step(history[-1], diagonal, edits, x0)
            y = x - x0 + y0 - diagonal
            while x < len(before) and y < len(after) and before[x] == after[y]:
                x, y = x + 1, y + 1
            reach[diagonal] = x
            if x >= len(before) and y >= len(after):
                return _retrace(history, (x, y), (x0, y0)), x, y
    inside = [
        (2 * x - diagonal, x, x - x0 + y0 - diagonal)
        for diagonal, x in reach.items()
        if x <= len(before) and x - x0 + y0 - diagonal <= len(after) and (diagonal - EDIT_LIMIT) % 2 == 0
    ]
    _, x, y = max(inside)
    return _retrace(history, (x, y), (x0, y0)), x, y


def _step(reach: dict[int, int], diagonal: int, edits: int, x0: int) -> int:
    """Where the best path with one edit more enters *diagonal*: by an insertion (down) or a removal (right)."""
    if edits == 0:
        return x0
    down = diagonal == -edits or (diagonal != edits and reach[diagonal - 1] < reach[diagonal + 1])
    return reach[diagonal + 1] if down else reach[diagonal - 1] + 1


def _retrace(history: list[dict[int, int]], end: tuple[int, int], start: tuple[int, int]) -> Pairs:
    pairs: Pairs = []
    x, y = end
    x0, y0 = start
    for edits in range(len(history) - 1, -1, -1):
        diagonal = (x - x0) - (y - y0)
        entered = _step(history[edits], diagonal, edits, x0)
        while x > entered:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        if edits:
            down = diagonal == -edits or (
                diagonal != edits and history[edits][diagonal - 1] < history[edits][diagonal + 1]
            )
            x, y = (x, y - 1) if down else (x - 1, y)
    return pairs[::-1]
