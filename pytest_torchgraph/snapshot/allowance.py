"""What a file that says much in few lines may come to, checked before any of it is written out."""

from __future__ import annotations

from pytest_torchgraph.snapshot.limits import CHARACTERS, LEVELS, OTHERS, TooLarge
from pytest_torchgraph.snapshot.tree import Node
from pytest_torchgraph.words.counting import times

_CHARACTERS_OF_OPERATION = 1_000
_CHARACTERS_OF_ANY = 16_000_000
_BODIES_OF_LINE = 20


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
