"""How large a snapshot may be: reading one costs time and memory in proportion to its size and to what is stated here.

A file is short where work repeats, so its size alone says little. Its head counts the operations, and nothing is
written out that does not fit that count.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_torchgraph.graph.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.snapshot.tree import Node

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

_CHARACTERS_OF_OPERATION = 1_000
_CHARACTERS_OF_ANY = 16_000_000
_BODIES_OF_LINE = 20
_FRAMES_OF_LEVEL = 10
# Python refuses to read a number of more than 4,300 digits, and says so in words for programmers.
_LONG_NUMBER = re.compile(rf"(?<!\d)\d{{{DIGITS + 1}}}", re.ASCII)


class TooLarge(ValueError):
    """A file says more than it may."""


class Allowance:
    """What is left of the text and the lines that a file may come to; *operations* are those that its head counts.

    ``levels`` is how deep bodies stand inside one another so far.
    """

    def __init__(self, operations: int, size: int) -> None:
        self._operations = operations
        self.levels = 0
        self._lines = 2 * operations + OTHERS
        self._characters = min(_CHARACTERS_OF_OPERATION * operations + _CHARACTERS_OF_ANY, CHARACTERS) + 4 * size
        # Bodies by id, kept with their sizes so that an id stays theirs: lines, lines and scopes, levels.
        self._sizes: dict[int, tuple[int, int, int, tuple[Node, ...]]] = {}

    def spend(self, count: int, lines: int, characters: int) -> None:
        """Write out *lines* with *characters* in them *count* times."""
        self._characters -= count * (characters + 20 * lines)
        if count * lines > self._lines or self._characters < 0:
            raise TooLarge(f"×{count} comes to more than {self._counted()}")

    def take(self, body: tuple[Node, ...]) -> None:
        """Let *body*, whose own bodies were taken before it, stand beneath a line."""
        if id(body) not in self._sizes:
            self._sizes[id(body)] = (*self._size(body), body)

    def _size(self, body: tuple[Node, ...]) -> tuple[int, int, int]:
        lines = every = levels = 0
        for node in body:
            if not node.children:
                lines, every = lines + 1, every + 1
                continue
            inner = self._sizes[id(node.children)]
            lines, every, levels = lines + inner[0], every + inner[1] + 1, max(levels, inner[2] + 1)
        if lines > self._lines or every > _BODIES_OF_LINE * self._lines:
            raise TooLarge(f"what stands here comes to more than {self._counted()}")
        if levels > LEVELS:
            raise TooLarge(f"more than {LEVELS} modules inside one another are not read")
        self.levels = max(self.levels, levels + 1)
        return lines, every, levels

    def _counted(self) -> str:
        return f"the {times(self._operations, 'operation')} of the head"


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
