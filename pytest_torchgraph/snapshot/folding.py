"""Write what repeats once: runs of equal siblings, bodies that stood before, bodies that nearly did."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

from pytest_torchgraph.snapshot.allowance import Allowance
from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
from pytest_torchgraph.snapshot.limits import CHARACTERS, OPERATIONS
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
    throughout_text,
)
from pytest_torchgraph.snapshot.repeats import Run, Runs
from pytest_torchgraph.snapshot.shortening import shorten
from pytest_torchgraph.snapshot.slots import fractions, shape, without_specs
from pytest_torchgraph.snapshot.template import LETTERS, Counter
from pytest_torchgraph.snapshot.throughout import LEAST_REPETITIONS, DeepRun, DeepRuns, Shapes
from pytest_torchgraph.snapshot.tree import Node
from pytest_torchgraph.snapshot.unfolding import unfold

_LEAST_LINES_NAMED = 3
_LEAST_LINES_SLICED = 3
_LEAST_SAVED_LIKE = 2
_LONGEST_COMPARED = 512
"""Lines of a body at most; a longer one is written in full though it may be like another."""
_RECENT = 3
"""Bodies of one class that are looked at beside the first; a body that is like an older one is written in full."""

Nodes = tuple[Node, ...]


def fold(nodes: Nodes) -> Nodes:
    """The same lines, shorter; ``unfold`` gives exactly *nodes* back."""
    folding = _Folding()
    folded = tuple(folding.siblings(nodes, ""))
    if not folding.counts_throughout or _is_exact(folded, nodes):
        return folded
    return tuple(_Folding(may_count_throughout=False).siblings(nodes, ""))


def _is_exact(folded: Nodes, nodes: Nodes) -> bool:
    """Whether a reader gets *nodes* back.

    In what counts throughout, a writer names bodies by templates and a reader by what becomes of them: a name odd
    enough to make them differ must not cost the file.
    """
    try:
        return unfold(folded, Allowance(OPERATIONS, CHARACTERS)) == nodes
    except SnapshotUnreadable:
        return False


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

    def __init__(self, *, may_count_throughout: bool = True) -> None:
        self.counts_throughout = False
        self._may_count_throughout = may_count_throughout
        self._depth = 0
        self._shapes: dict[int, Shapes] = {}
        self._sizes: dict[int, tuple[int, Nodes]] = {}
        self._named: list[tuple[str, tuple[str, int] | None]] = []
        self._numbers: dict[object, int] = {}
        self._bodies: dict[int, tuple[int, Nodes]] = {}
        self._kinds: dict[tuple[str, int], int] = {}
        self._paths: set[str] = set()
        self._written: dict[tuple[str, int], str] = {}
        self._of_class: dict[str, list[tuple[str, Nodes]]] = {}

    def siblings(self, nodes: Nodes, parent: str) -> Iterator[Node]:
        """*nodes* folded; *parent* is the path of the scope they stand in."""
        counter = Counter(self._depth, 0, not self._depth)
        runs = Runs(nodes, self._kinds_of(nodes), counter)
        deep = self._deep_runs(nodes)
        start = 0
        while start < len(nodes):
            run = runs.at(start)
            longer = deep.at(start) if deep else None
            if longer and self._saved(nodes, longer) - 1 > self._saved(nodes, run):
                yield self._throughout(longer, parent)
                start += longer.period * longer.times
                continue
            if run.times == 1:
                yield self._node(nodes[start], self._listed(nodes[start].text), parent)
            else:
                yield self._repeated(run, nodes[start : start + run.period], parent)
            start += run.period * run.times

    def _deep_runs(self, nodes: Nodes) -> DeepRuns | None:
        is_too_deep = self._depth + 2 > len(LETTERS)
        if (
            not self._may_count_throughout
            or is_too_deep
            or len(nodes) < LEAST_REPETITIONS
            or not any(node.children for node in nodes)
        ):
            return None
        shapes = self._shapes.setdefault(self._depth, Shapes(self._depth))
        bodies = [self._body_number(node.children) for node in nodes]
        return DeepRuns(nodes, [shapes.kind(node) for node in nodes], bodies, self._depth)

    def _saved(self, nodes: Nodes, run: Run | DeepRun) -> int:
        """How many lines *run* saves, those beneath counted."""
        return (run.times - 1) * sum(
            1 + self._size(node.children) for node in nodes[run.start : run.start + run.period]
        )

    def _size(self, nodes: Nodes) -> int:
        if not nodes:
            return 0
        known = self._sizes.get(id(nodes))
        if known is None:
            known = self._sizes[id(nodes)] = (sum(1 + self._size(node.children) for node in nodes), nodes)
        return known[0]

    def _throughout(self, run: DeepRun, parent: str) -> Node:
        """*run* as one period; what is named in it can be named by nobody else."""
        self.counts_throughout = True
        named = len(self._named)
        self._depth += 1
        lines = tuple([self._node(node, self._listed(node.text), parent) for node in run.templates])
        self._depth -= 1
        for path, key in self._named[named:]:
            self._paths.discard(path)
            if key is not None:
                del self._written[key]
                self._of_class[key[0]].pop()
        del self._named[named:]
        return Node(throughout_text(run.times, run.counter), lines)

    def _listed(self, text: str) -> str:
        """*text* with its long lists shortened; one that grows already is."""
        return text if self._depth and "×" in text else shorten(text, Counter(self._depth, 0, not self._depth))

    def _repeated(self, run: Run, period: Nodes, parent: str) -> Node:
        if run.period == 1:
            text = counted_text(run.templates[0], run.times, run.counter)
            found = COUNTED.fullmatch(text) if text else None
            if text and found and counted_template(found, run.counter) == run.templates[0]:
                return self._node(period[0], text, parent)
        text = repeat_text(run.times, run.counter, run.templates)
        lines = zip(period, run.templates, strict=True)
        return Node(text, tuple([self._node(node, template, parent) for node, template in lines]))

    def _node(self, node: Node, text: str, parent: str) -> Node:
        """*node* with its body folded, under the line *text*."""
        if not self._depth and not is_plain(node.text):
            return Node(ESCAPE + node.text, tuple(self.siblings(node.children, parent)), source=node.source)
        if not node.children:
            return node if text is node.text else Node(text, source=node.source)
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
            key = (class_name, body) if _line_count(children) >= _LEAST_LINES_NAMED else None
            if key is not None:
                self._written[key] = path
                self._of_class.setdefault(class_name, []).append((path, nodes))
            self._named.append((path, key))
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

    def _kinds_of(self, nodes: Nodes) -> list[int]:
        """The kind of each of *nodes*; -1 for one whose fractions no other has, which is never cut."""
        told = [fractions(node.text) for node in nodes]
        counts = Counted(told)
        return [-1 if own and counts[own] == 1 else self._kind(node) for own, node in zip(told, nodes, strict=True)]

    def _kind(self, node: Node) -> int:
        """One number for all nodes that a template may hold together, -1 for one that none may hold."""
        if "×" in node.text if self._depth else not is_plain(node.text):
            return -1
        body = self._body_number(node.children)
        known = self._kinds.get((node.text, body))
        if known is None:
            known = self._kinds[node.text, body] = self._numbered(("kind", shape(without_specs(node.text)[0]), body))
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
