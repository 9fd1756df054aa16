"""In place or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pytest_torchgraph.diff.change import Altered, packet_of
from pytest_torchgraph.diff.keys import out_of_place
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Seen, bytes_of, made
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.verdict.wording import times


def in_place_or_not(seen: Seen) -> Iterator[Claim]:
    """Operations that wrote over what they read and make something new, or the other way round."""
    swapped: dict[tuple[str, str], list[Altered]] = defaultdict(list)
    for change in seen.altered:
        before, after = packet_of(change.before.name), packet_of(change.after.name)
        if before != after and out_of_place(before) == out_of_place(after) and not change.after.beneath:
            swapped[before, after].append(change)
    for (before, after), changes in swapped.items():
        yield _claim(before, after, changes)


def _claim(before: str, after: str, changes: list[Altered]) -> Claim:
    title = f"{times(len(changes), 'operation')} swapped: {before} -> {after}"
    if before.endswith("_"):
        size = bytes_of(made(changes[0].after))
        each = f" of {bytes_text(size)}" if size else ""
        hint = f"the result is new memory{each} each time; it was written over what is read (inplace=True, {before}())"
        return Claim(Cause("out-of-place", hint), "operation", title, tuple(changes))
    return Claim(Cause("in-place", "the result is written over what is read"), "operation", title, tuple(changes))
