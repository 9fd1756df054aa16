"""Write what repeats once: runs of equal siblings, bodies that stood before, bodies that nearly did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

from pytest_torchgraph.snapshot.lists import shorten
from pytest_torchgraph.snapshot.marks import (
    AS,
    COUNTED,
    ESCAPE,
    LIKE,
    counted_template,
    counted_text,
    is_plain,
    path_in,
    repeat_text,
    scope_of,
)
from pytest_torchgraph.snapshot.repeats import Run, runs
from pytest_torchgraph.snapshot.template import shape
from pytest_torchgraph.snapshot.tree import Node

_LEAST_LINES_NAMED = 3
_LEAST_LINES_SLICED = 3
_LEAST_SAVED_LIKE = 2
_LONGEST_COMPARED = 512
_RECENT = 3

Nodes = tuple[Node, ...]


def fold(nodes: Nodes) -> Nodes:
    """The same lines, shorter; ``unfold`` gives exactly *nodes* back."""
    return tuple(_Folding().siblings(nodes, ""))


class _Slice(NamedTuple):
    """Lines *start* up to *stop* of the body that this one is like."""

    start: int
    stop: int


class _Likeness(NamedTuple):
    """A body written before, and this one as slices of it and lines of its own."""

    path: str
    saved: int
    parts: tuple[_Slice | Nodes, ...]


class _Folding:
    """One pass over a tree, in the order of its lines; only what was written in full can be named later."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._bodies: dict[int, tuple[int, Nodes]] = {}
        self._kinds: dict[tuple[str, int], int] = {}
        self._paths: set[str] = set()
        self._written: dict[tuple[str, int], str] = {}
        self._of_class: dict[str, list[tuple[str, Nodes]]] = {}

    def siblings(self, nodes: Nodes, parent: str) -> Iterator[Node]:
        """*nodes* folded; *parent* is the path of the scope they stand in."""
        for run in runs(nodes, [self._kind(node) for node in nodes]):
            period = nodes[run.start : run.start + run.period]
            if run.times == 1:
                yield self._node(period[0], shorten(period[0].text), parent)
            else:
                yield self._repeated(run, period, parent)

    def _repeated(self, run: Run, period: Nodes, parent: str) -> Node:
        if run.period == 1:
            text = counted_text(run.templates[0], run.times, run.origin)
            found = COUNTED.fullmatch(text) if text else None
            if text and found and counted_template(found) == run.templates[0]:
                return self._node(period[0], text, parent)
        text = repeat_text(run.times, run.origin, run.templates)
        lines = zip(period, run.templates, strict=True)
        return Node(text, tuple([self._node(node, template, parent) for node, template in lines]))

    def _node(self, node: Node, text: str, parent: str) -> Node:
        """*node* with its body folded, under the line *text*."""
        if not is_plain(node.text):
            return Node(ESCAPE + node.text, tuple(self.siblings(node.children, parent)), source=node.source)
        if not node.children:
            return Node(text, source=node.source)
        scope = scope_of(node.text)
        if scope is None:
            return Node(text, tuple(self.siblings(node.children, parent)), source=node.source)
        suffix, children = self._body(node.children, path_in(parent, scope[0]), scope[1])
        return Node(text + suffix, children, source=node.source)

    def _body(self, nodes: Nodes, path: str, class_name: str) -> tuple[str, Nodes]:
        body = self._body_number(nodes)
        known = self._written.get((class_name, body))
        if known is not None:
            return AS + known, ()
        likeness = self._likeness(nodes, class_name)
        if likeness is not None:
            return LIKE + likeness.path, tuple(self._differing(likeness, path))
        children = tuple(self.siblings(nodes, path))
        if path not in self._paths and " " not in path:
            self._paths.add(path)
            if _line_count(children) >= _LEAST_LINES_NAMED:
                self._written[class_name, body] = path
                self._of_class.setdefault(class_name, []).append((path, nodes))
        return "", children

    def _differing(self, likeness: _Likeness, path: str) -> Iterator[Node]:
        for part in likeness.parts:
            if isinstance(part, _Slice):
                yield Node(f"... [{part.start}:{part.stop}]")
            else:
                yield from self.siblings(part, path)

    def _likeness(self, nodes: Nodes, class_name: str) -> _Likeness | None:
        """The body of this class, the first or a recent one, that saves most lines; ``None`` where none saves half."""
        written = self._of_class.get(class_name, [])
        found = [self._compared(path, body, nodes) for path, body in (written[:1] + written[1:][-_RECENT:])]
        best = max(found, key=lambda likeness: likeness.saved, default=None)
        if best is None or best.saved < _LEAST_SAVED_LIKE:
            return None
        sliced = sum(part.stop - part.start for part in best.parts if isinstance(part, _Slice))
        return best if 2 * sliced >= len(nodes) else None

    def _compared(self, path: str, before: Nodes, after: Nodes) -> _Likeness:
        parts: list[_Slice | Nodes] = []
        own: list[Node] = []
        saved = 0
        for start, stop, lines in _matches([*map(self._number, before)], [*map(self._number, after)], after):
            if stop - start < _LEAST_LINES_SLICED:
                own += lines
                continue
            if own:
                parts.append(tuple(own))
                own = []
            parts.append(_Slice(start, stop))
            saved += stop - start - 1
        if own:
            parts.append(tuple(own))
        return _Likeness(path, saved, tuple(parts))

    def _kind(self, node: Node) -> int:
        """One number for all nodes that a template may hold together, -1 for one that none may hold."""
        if not is_plain(node.text):
            return -1
        body = self._body_number(node.children)
        known = self._kinds.get((node.text, body))
        if known is None:
            known = self._kinds[node.text, body] = self._numbered(("kind", shape(node.text), body))
        return known

    def _number(self, node: Node) -> int:
        return self._numbered((node.text, self._body_number(node.children)))

    def _body_number(self, nodes: Nodes) -> int:
        """One number for all equal bodies."""
        if not nodes:
            return 0
        known = self._bodies.get(id(nodes))
        if known is None:
            number = self._numbered(tuple([(node.text, self._body_number(node.children)) for node in nodes]))
            # The nodes are kept, so that their id stays theirs.
            known = self._bodies[id(nodes)] = (number, nodes)
        return known[0]

    def _numbered(self, key: object) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)


def _matches(before: list[int], after: list[int], nodes: Nodes) -> Iterator[tuple[int, int, Nodes]]:
    """*nodes* in order, each part with the slice of *before* that equals it, an empty slice where nothing does."""
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    yield 0, start, nodes[:start]
    between = before[start : len(before) - end], after[start : len(after) - end]
    if max(map(len, between)) <= _LONGEST_COMPARED:
        done = 0
        for at_before, at_after, size in SequenceMatcher(None, *between, autojunk=False).get_matching_blocks():
            yield 0, 0, nodes[start + done : start + at_after]
            yield start + at_before, start + at_before + size, nodes[start + at_after : start + at_after + size]
            done = at_after + size
    else:
        yield 0, 0, nodes[start : len(nodes) - end]
    yield len(before) - end, len(before), nodes[len(nodes) - end :]


def _common(left: list[int], right: list[int]) -> int:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))


def _line_count(nodes: Iterable[Node]) -> int:
    return sum(1 + _line_count(node.children) for node in nodes)
