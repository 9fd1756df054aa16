"""Why the peak moved: what is alive there now, and what is no longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from pytest_torchgraph.canonical.alive import Alive
from pytest_torchgraph.diff.change import Difference
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.verdict.alive import paired
from pytest_torchgraph.verdict.quantity import bytes_text

SourceOf = Callable[[int], SourceLine | None]
KeeperOf = Callable[[int], str]
"""What keeps alive at the peak what an operation made, in words; empty where that is not known."""


def alive_texts(difference: Difference, source_of: SourceOf, keeper_of: KeeperOf) -> tuple[str, ...]:
    """``1 more alive, 7.8 MiB: temporary lm_head: mm bf16[2,256,8000] (loss_utils.py:36), returned``.

    One text for each kind of value whose bytes at the peak moved: first those that moved as the peak did, the largest
    first. Nothing where the peak has not moved, or where the recording does not tell what was alive.
    """
    before, after = difference.metric("peak")
    if before == after or not difference.alive_before or not difference.alive_after:
        return ()
    moves = [
        (left, right)
        for left, right in paired(difference.alive_before, difference.alive_after)
        if left.bytes != right.bytes
    ]
    sign = 1 if (after or 0) > (before or 0) else -1
    moves.sort(key=lambda pair: (sign * (pair[0].bytes - pair[1].bytes), str(pair[1].what)))
    return tuple(move_text(left, right, source_of, keeper_of) for left, right in moves)


def move_text(before: Alive, after: Alive, source_of: SourceOf, keeper_of: KeeperOf) -> str:
    """What moved and the line that made it, by how many bytes, and what keeps it alive."""
    count, size = after.count - before.count, after.bytes - before.bytes
    amount = bytes_text(abs(size))
    what = told_of(after, source_of, keeper_of) if size > 0 else str(after.what)
    if not count:
        return f"{'larger' if size > 0 else 'smaller'} by {amount}: {what}"
    return f"{abs(count)} {'more' if count > 0 else 'fewer'} alive, {amount}: {what}"


def told_of(alive: Alive, source_of: SourceOf, keeper_of: KeeperOf) -> str:
    """``temporary k: add f32[2,4] (decoder.py:59), not read again``."""
    if alive.made is None:
        return str(alive.what)
    source, keeper = source_of(alive.made), keeper_of(alive.made)
    place = f" ({PurePath(source.file).name}:{source.line})" if source else ""
    return f"{alive.what}{place}{f', {keeper}' if keeper else ''}"
