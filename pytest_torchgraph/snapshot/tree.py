"""Indented lines as a tree, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.errors import unreadable
from pytest_torchgraph.snapshot.limits import LEVELS

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Node:
    """A line and the lines beneath it.

    ``line`` is where it stands in its file; ``source`` is the position in the recorded graph of the operation that it
    was written from, where that is known. Neither is compared.
    """

    text: str
    children: tuple[Node, ...] = ()
    line: int = field(default=0, compare=False)
    source: int | None = field(default=None, compare=False)


def lines_of(nodes: Iterable[Node]) -> list[str]:
    """The lines of *nodes*, those of children indented beneath their own."""
    lines: list[str] = []
    _append(nodes, "", lines)
    return lines


def _append(nodes: Iterable[Node], indent: str, lines: list[str]) -> None:
    for node in nodes:
        lines.append(indent + node.text)
        if node.children:
            _append(node.children, indent + INDENT, lines)


def nodes_of(lines: list[str], first: int, path: str) -> tuple[Node, ...]:
    """The tree of indented *lines*, the first of which is line *first* of the file *path*."""
    levels: list[list[Node]] = [[]]
    heads: list[tuple[str, int]] = []
    for number, line in enumerate(lines, first):
        text = line.lstrip(" ")
        depth, odd = divmod(len(line) - len(text), len(INDENT))
        if odd or not text or depth > len(heads):
            raise unreadable(path, number, "this line is not indented as a snapshot is", line)
        if depth > LEVELS:
            raise unreadable(path, number, f"more than {LEVELS} modules inside one another are not read", line)
        if depth < len(heads):
            _close(levels, heads, depth)
        heads.append((text, number))
        levels.append([])
    _close(levels, heads, 0)
    return tuple(levels[0])


def _close(levels: list[list[Node]], heads: list[tuple[str, int]], depth: int) -> None:
    while len(heads) > depth:
        children = levels.pop()
        text, line = heads.pop()
        levels[-1].append(Node(text, tuple(children) if children else (), line))
