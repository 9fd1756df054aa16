"""How large a snapshot may be: reading one costs time and memory in proportion to its size and to what is stated here.

A file is short where work repeats, so its size alone says little. Its head counts the operations, and nothing is
written out that does not fit that count.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

OPERATIONS = 1_000_000
"""Operations in one graph."""
LEVELS = 1_000
"""Module calls inside one another."""
OTHERS = 100_000
"""Lines that are no operations: what goes in and comes out, constants, scopes."""
CHARACTERS = 400_000_000
"""Of text, once everything that repeats is written out."""
DIGITS = 400
"""Of one number."""
BRACKETS = 64
"""Lists inside one another in one argument."""

_FRAMES_OF_LEVEL = 10
# Python refuses to read a number of more than 4,300 digits, and says so in words for programmers.
_LONG_NUMBER = re.compile(rf"(?<!\d)\d{{{DIGITS + 1}}}", re.ASCII)


class TooLarge(ValueError):
    """A file says more than it may."""


def check_operations(operations: int) -> None:
    """Raise :class:`TooLarge` for more operations than a snapshot may have."""
    if operations > OPERATIONS:
        raise TooLarge(f"a snapshot has up to {OPERATIONS:,} operations, not {operations:,}")


def has_long_number(text: str) -> bool:
    """Whether a number in *text* has more digits than one may have."""
    return _LONG_NUMBER.search(text) is not None


def levels_of(lines: Iterable[str]) -> int:
    """How deep indented *lines* stand inside one another."""
    return max((len(line) - len(line.lstrip(" ")) for line in lines), default=0) // 2


@contextmanager
def room_for(levels: int) -> Iterator[None]:
    """Let functions that call themselves for every level of scopes do so under any recursion limit."""
    before = sys.getrecursionlimit()
    needed = _frames() + _FRAMES_OF_LEVEL * levels + 200
    if needed > before:
        sys.setrecursionlimit(needed)
    try:
        yield
    finally:
        if needed > before:
            sys.setrecursionlimit(before)


def _frames() -> int:
    frame, count = sys._getframe(), 0  # noqa: SLF001  the one way to count the frames of a stack
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count
