"""Runs of scopes that are alike but for numbers that count, in their lines and in all lines beneath."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_torchgraph.snapshot.learning import (
    Apart,
    Column,
    Declared,
    Growing,
    Line,
    Pattern,
    Slot,
    Varying,
    learnt_slot,
)
from pytest_torchgraph.snapshot.lists import lengthen
from pytest_torchgraph.snapshot.repeats import LEARNT_FROM, following, named_counts, periods
from pytest_torchgraph.snapshot.slots import OPERAND, is_operand, shape_with_lists, split_at_lists
from pytest_torchgraph.snapshot.template import Count, Counter, instantiate
from pytest_torchgraph.snapshot.tree import Node

LEAST_REPETITIONS = 3
_MOST_VARYING = 3
_LEAST_IN_RUN = 3
_OPERAND = re.compile(OPERAND, re.ASCII)
_BARE = re.compile(r"[^{}|×\\]*")

Nodes = tuple[Node, ...]
Rows = list[tuple[int, str]]
"""The lines of a repetition and all beneath them, in order, each with its level."""


class Shapes:
    """A number for every line and all beneath it, equal for those that one template may hold."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._numbers: dict[object, int] = {}
        self._bodies: dict[int, tuple[int, Nodes]] = {}
        self._texts: dict[str, int] = {}

    def kind(self, node: Node) -> int:
        """The number of *node*; -1 for one that no template may hold."""
        text = self._texts.get(node.text)
        if text is None:
            text = self._texts[node.text] = self._kind_of(node.text)
        body = self._body(node.children)
        return -1 if text < 0 or body < 0 else self._numbered((text, body))

    def _kind_of(self, text: str) -> int:
        if "×" in text or text.startswith("... [") or (not self._depth and not _BARE.fullmatch(text)):
            return -1
        return self._numbered(shape_with_lists(text))

    def _body(self, nodes: Nodes) -> int:
        if not nodes:
            return 0
        known = self._bodies.get(id(nodes))
        if known is None:
            kinds = tuple(map(self.kind, nodes))
            known = self._bodies[id(nodes)] = (-1 if -1 in kinds else self._numbered(kinds), nodes)
        return known[0]

    def _numbered(self, key: object) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)


class DeepRun(NamedTuple):
    """``times`` repetitions of ``period`` siblings from ``start``, and one period as templates throughout."""

    start: int
    period: int
    times: int
    counter: Counter
    templates: Nodes


class DeepRuns:
    """The runs among *nodes* in which lines beneath count, too.

    *kinds* are their shapes (:class:`Shapes`), *bodies* a number for each that is equal for equal bodies.
    """

    def __init__(self, nodes: Nodes, kinds: list[int], bodies: list[int], depth: int) -> None:
        self._nodes = nodes
        self._kinds = kinds
        self._bodies = bodies
        self._depth = depth
        self._following = following(kinds)

    def at(self, start: int) -> DeepRun | None:
        """The longest run from *start*."""
        best: DeepRun | None = None
        for period in periods(start, self._kinds, self._following):
            second = start + period
            if self._bodies[start:second] != self._bodies[second : second + period]:
                found = self._run(start, period)
                if found and (best is None or found.period * found.times > best.period * best.times):
                    best = found
        return best

    def _run(self, start: int, period: int) -> DeepRun | None:
        available = self._alike(start, period)
        for count in range(min(available, LEARNT_FROM), LEAST_REPETITIONS - 1, -1):
            rows = [self._row(start, period, at) for at in range(count)]
            lines = _learnt(rows)
            if lines is not None:
                self._extend(lines, rows, start, period, available)
                return _written(lines, rows, start, period, self._depth)
        return None

    def _extend(self, lines: list[Line], rows: list[Rows], start: int, period: int, available: int) -> None:
        """Add to *rows* every further repetition that fits."""
        for at in range(len(rows), available):
            row = self._row(start, period, at)
            if not all(fits(line, at, text) for line, (_, text) in zip(lines, row, strict=True)):
                return
            rows.append(row)

    def _row(self, start: int, period: int, at: int) -> Rows:
        return _rows(self._nodes[start + at * period : start + (at + 1) * period])

    def _alike(self, start: int, period: int) -> int:
        first, count = self._kinds[start : start + period], 1
        while self._kinds[start + count * period : start + (count + 1) * period] == first:
            count += 1
        return count


def _rows(nodes: Nodes, level: int = 0) -> Rows:
    """The lines of *nodes* and all beneath them, in order, each with its level."""
    rows: Rows = []
    for node in nodes:
        rows.append((level, node.text))
        if node.children:
            rows += _rows(node.children, level + 1)
    return rows


def _learnt(rows: list[Rows]) -> list[Line] | None:
    lines: list[Line] = []
    for column in zip(*rows, strict=True):
        line = learnt_throughout(tuple([text for _, text in column]), is_top=column[0][0] == 0)
        if line is None:
            return None
        lines.append(line)
    return lines


def learnt_throughout(texts: Column, *, is_top: bool) -> Line | None:
    """What the line is that has *texts* in its first repetitions.

    Only a line at the top may read something else in the first of them.
    """
    if texts.count(texts[0]) == len(texts):
        return Line(texts[:1])
    splits = [split_at_lists(text) for text in texts]
    if any(one.pieces != splits[0].pieces for one in splits):
        return None
    pieces, slots = [splits[0].pieces[0]], []
    columns = zip(*(one.slots for one in splits), strict=True)
    for place, (column, piece) in enumerate(zip(columns, splits[0].pieces[1:], strict=True)):
        found = _list(column) if is_operand(column[0]) else [_number(column, place)]
        for slot in found:
            if slot is None or (isinstance(slot, Apart) and not is_top):
                return None
            slots.append(slot)
        pieces += [", "] * (len(found) - 1) + [piece]
    return Line(tuple(pieces), tuple(slots))


def _number(column: Column, place: int) -> Slot | None:
    found = learnt_slot(column)
    is_varying = found is None and any(not text.isdecimal() for text in column)
    return Varying(column, place) if is_varying else found


def _list(column: Column) -> list[Slot | None]:
    lists = [_OPERAND.findall(text) for text in column]
    if len(set(map(len, lists))) == 1:
        return [learnt_slot(tuple(one)) for one in zip(*lists, strict=True)]
    return [_growing(lists)]


def _growing(lists: list[list[str]]) -> Growing | None:
    longest, step = lists[-1], len(lists[1]) - len(lists[0])
    grows = all(len(one) == len(lists[0]) + step * at and one == longest[: len(one)] for at, one in enumerate(lists))
    if step < 1 or not grows:
        return None
    for start in range(min(len(lists[0]) + 1, len(longest) - _LEAST_IN_RUN + 1)):
        run = learnt_slot(tuple(longest[start:]))
        if isinstance(run, Pattern) and any(isinstance(one, Count) for one in run.numbers):
            return Growing(tuple(longest[:start]), run, Count(len(lists[0]) - start, step))
    return None


def fits(line: Line, repetition: int, text: str) -> bool:
    """Whether *text* is what *line* is in *repetition*, whatever the numbers in it are that follow no rule."""
    told = [line.pieces[0]]
    actual = split_at_lists(text).slots if line.varying else ()
    for slot, piece in zip(line.slots, line.pieces[1:], strict=True):
        if isinstance(slot, Varying):
            if slot.place >= len(actual) or is_operand(actual[slot.place]):
                return False
            told.append(actual[slot.place])
        else:
            told.append(_at(slot, repetition))
        told.append(piece)
    return "".join(told) == text


def _at(slot: Pattern | Apart | Declared | Growing, repetition: int) -> str:
    match slot:
        case Pattern():
            return slot.at(repetition)
        case Apart(first, later):
            return later.at(repetition) if repetition else first
        case Declared(spec):
            return "" if repetition else spec
        case Growing(head, run, times):
            return ", ".join([*head, *map(run.at, range(times.start + times.step * repetition))])


def _written(lines: list[Line], rows: list[Rows], start: int, period: int, depth: int) -> DeepRun | None:
    columns = [tuple([row[at][1] for row in rows]) for at in range(len(lines))]
    whole = [_with_all(line, column) for line, column in zip(lines, columns, strict=True)]
    varying = {slot.texts for line in whole for slot in line.varying}
    if len(varying) > _MOST_VARYING:
        return None
    counter = Counter(depth, _origin(whole, columns, rows[0]), is_escaped=False)
    texts = [line.template(counter, len(rows)) for line in whole]
    for at, row in enumerate(rows):
        told = [lengthen(instantiate(text, at, counter), counter.inner) for text in texts]
        if told != [text for _, text in row]:
            return None
    templates = _nodes([(level, text) for (level, _), text in zip(rows[0], texts, strict=True)])
    return DeepRun(start, period, len(rows), counter, templates)


def _with_all(line: Line, texts: Column) -> Line:
    """*line* with the numbers that follow no rule of all repetitions, whose texts are *texts*."""
    if not line.varying:
        return line
    slots: list[Slot] = []
    for slot in line.slots:
        if isinstance(slot, Varying):
            every = tuple([split_at_lists(text).slots[slot.place] for text in texts])
            slots.append(Pattern(every[:1]) if len(set(every)) == 1 else Varying(every, slot.place))
        else:
            slots.append(slot)
    return Line(line.pieces, tuple(slots))


def _origin(lines: list[Line], columns: list[Column], row: Rows) -> int:
    """What i is at first: the number that a name begins to count with."""
    top = [(line, column[0]) for line, column, (level, _) in zip(lines, columns, row, strict=True) if not level]
    counts = [count for line, text in top for count in named_counts(line, text)]
    counts += [count for line in lines for count in line.counts]
    return next((count.start for count in counts if count.step == 1), 0)


def _nodes(rows: Rows) -> Nodes:
    """The lines of *rows*, as :func:`_rows` told them, as a tree."""
    stack: list[list[Node]] = [[]]
    heads: list[str] = []
    for level, text in (*rows, (0, "")):
        while len(heads) > level:
            children = tuple(stack.pop())
            stack[-1].append(Node(heads.pop(), children))
        heads.append(text)
        stack.append([])
    return tuple(stack[0])
