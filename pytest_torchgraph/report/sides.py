"""Two snapshots side by side: the folded lines of both as one tree of aligned rows."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.diff.alignment import align
from pytest_torchgraph.snapshot.folding import fold
from pytest_torchgraph.snapshot.head import Head, head_lines
from pytest_torchgraph.snapshot.tree import Node
from pytest_torchgraph.snapshot.writer import root_node

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.operation import SourceLine

Nodes: TypeAlias = "tuple[Node, ...]"
Aligned: TypeAlias = "Iterator[tuple[Node | None, Node | None]]"
Line: TypeAlias = "list[object]"
SAME, CHANGED, REMOVED, ADDED = "=", "~", "-", "+"
_COUNTER = re.compile(r"\d+(?:-\d+)?")
_HEAD_OF_LINE = re.compile(r"[^(=]*")
_OWN_LINES = 3


def rows_of(before: Program, after: Program, live: Graph | None = None) -> list[Line]:
    """The rows: ``[mark, line before, line after, rows beneath, source line]``.

    The mark is ``=``, ``~`` (changed), ``-`` (removed) or ``+`` (added); of equal lines the second is ``None``, as is
    the line that a side does not have. The source line is that of the operation after in *live*, the graph that was
    recorded; ``""`` where it is not known. The lines before of all rows, in order, are the snapshot before, its first
    three lines and the last one aside; so it is with those after.
    """
    return _Aligning(live).rows(_nodes(before), _nodes(after))


def place_text(source: SourceLine | None) -> str:
    """``attention.py:39``; nothing where it is not known."""
    return f"{PurePath(source.file).name}:{source.line}" if source else ""


def _nodes(program: Program) -> Nodes:
    head = Head(
        test="",
        recorded="",
        run=program.run,
        metrics=program.metrics,
        peak_at=program.peak_at,
        alive=program.alive,
        compilation=program.compilation,
    )
    return (*map(Node, head_lines(head)[_OWN_LINES:]), *fold((root_node(program),)))


class _Aligning:
    def __init__(self, live: Graph | None) -> None:
        self._live = live
        self._numbers: dict[Hashable, int] = {}
        self._subtrees: dict[int, int] = {}

    def rows(self, before: Nodes, after: Nodes) -> list[Line]:
        """The rows of two lists of siblings."""
        return [self._row(left, right) for left, right in self._aligned(before, after)]

    def _row(self, before: Node | None, after: Node | None) -> Line:
        beneath = self.rows(before.children if before else (), after.children if after else ())
        if before is None or after is None:
            mark = ADDED if before is None else REMOVED
            return [mark, before and before.text, after and after.text, beneath, self._source(after)]
        if before.text == after.text:
            return [SAME, before.text, None, beneath, self._source(after)]
        return [CHANGED, before.text, after.text, beneath, self._source(after)]

    def _source(self, node: Node | None) -> str:
        if node is None or node.source is None or self._live is None:
            return ""
        return place_text(self._live.operations[node.source].source)

    def _aligned(self, before: Nodes, after: Nodes) -> Aligned:
        """Equal lines with all beneath them first, then lines that begin alike, then what stands between them."""
        pairs = align([*map(self._subtree, before)], [*map(self._subtree, after)])
        for left, right in _gaps(pairs, before, after):
            alike = align([*map(self._begin, left)], [*map(self._begin, right)])
            for rest_left, rest_right in _gaps(alike, left, right):
                yield from _rest(rest_left, rest_right)

    def _subtree(self, node: Node) -> int:
        known = self._subtrees.get(id(node))
        if known is None:
            key = (node.text, *map(self._subtree, node.children))
            known = self._subtrees[id(node)] = self._numbered(key)
        return known

    def _begin(self, node: Node) -> int:
        found = _HEAD_OF_LINE.match(node.text)
        return self._numbered(_COUNTER.sub("*", found[0].partition(" ×")[0].strip() if found else ""))

    def _numbered(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _gaps(pairs: list[tuple[int, int]], before: Nodes, after: Nodes) -> Iterator[tuple[Nodes, Nodes]]:
    """What stands between pairs, and each pair by itself."""
    at_before = at_after = 0
    for left, right in pairs:
        yield before[at_before:left], after[at_after:right]
        yield before[left : left + 1], after[right : right + 1]
        at_before, at_after = left + 1, right + 1
    yield before[at_before:], after[at_after:]


def _rest(before: Nodes, after: Nodes) -> Aligned:
    """As many lines that came as went are the same lines changed; otherwise they went, and others came."""
    if len(before) == len(after) and all(map(_both_or_neither, before, after)):
        yield from zip(before, after, strict=True)
    else:
        yield from ((node, None) for node in before)
        yield from ((None, node) for node in after)


def _both_or_neither(before: Node, after: Node) -> bool:
    return bool(before.children) == bool(after.children)
