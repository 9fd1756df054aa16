"""Why the peak moved: what is alive there now, and what is no longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from pytest_torchgraph.canonical.alive import Alive
from pytest_torchgraph.diff.change import Difference
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.verdict.alive import paired
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

SourceOf = Callable[[int], SourceLine | None]


def alive_texts(difference: Difference, source_of: SourceOf) -> tuple[str, ...]:
    """``1 more live tensor: temporary lm_head: mm bf16[2,256,8000], 8.2 MB, last read at loss_utils.py:36``.

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
    moves.sort(key=lambda pair: (sign * (pair[0].bytes - pair[1].bytes), pair[1].what))
    return tuple(move_text(left, right, source_of) for left, right in moves)


def move_text(before: Alive, after: Alive, source_of: SourceOf) -> str:
    """What moved, by how many bytes, and where it was read last."""
    count, size = after.count - before.count, after.bytes - before.bytes
    amount = bytes_text(abs(size))
    place = place_text(after, source_of) if size > 0 else ""
    if not count:
        return f"{'larger' if size > 0 else 'smaller'}: {after.what}, by {amount}{place}"
    word = "more" if count > 0 else "fewer"
    return f"{times(abs(count), f'{word} live tensor')}: {after.what}, {amount}{place}"


def place_text(alive: Alive, source_of: SourceOf) -> str:
    """``, last read at loss_utils.py:36``, or where it was made."""
    for at, did in ((alive.read, "last read"), (alive.made, "made")):
        source = None if at is None else source_of(at)
        if source is not None:
            return f", {did} at {PurePath(source.file).name}:{source.line}"
    return ""
