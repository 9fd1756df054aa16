"""Runs of sibling lines that repeat: where they are, how long, and how their numbers count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_torchgraph.snapshot.learning import Column, Line, Pattern, learnt
from pytest_torchgraph.snapshot.slots import is_operand, number, operand, split, without_specs
from pytest_torchgraph.snapshot.template import Count, Counter, instantiate
from pytest_torchgraph.snapshot.tree import Node

LEARNT_FROM = 4
"""Two repetitions show how numbers grow, others bear it out; the operands of the first may come from elsewhere."""
_LONGEST_PERIOD = 512
_CANDIDATES = 8
_NAMED = re.compile(r"(?:(?:input|return) )?([^\s(%]+)(?![\w(%])", re.ASCII)
_SEGMENT = re.compile(r"(?<![^./#])\d+(?![^./#:])", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
# A run of lines that count no scope or value by its name is only worth its reading when it is long.
_LEAST_SAVED_UNNAMED = 2


class Run(NamedTuple):
    """``times`` repetitions of ``period`` siblings from ``start``; one repetition is no repetition.

    ``templates`` are the lines of one period, in which ``counter`` counts.
    """

    start: int
    period: int
    times: int
    counter: Counter = Counter()
    templates: tuple[str, ...] = ()


class Runs:
    """The runs among *nodes*; nodes of one kind (negative for none) may stand in one template."""

    def __init__(self, nodes: tuple[Node, ...], kinds: list[int], counter: Counter) -> None:
        self._nodes = nodes
        self._kinds = kinds
        self._counter = counter
        self._following = following(kinds)
        self._named = _named_from(nodes, self._following)
        self._uncounted: dict[int, int] = {}

    def at(self, start: int) -> Run:
        """The run from *start* that saves most lines."""
        best = Run(start, 1, 1)
        if not self._following[start]:
            return best
        for period in periods(start, self._kinds, self._following):
            run = self._run(start, period)
            if run and _saved(run) > _saved(best):
                best = run
        return best

    def _run(self, start: int, period: int) -> Run | None:
        is_named = self._is_named(start, period)
        if not is_named and not self._is_worth_reading(start, period):
            return None
        alike = self._alike(start, period)
        for count in range(alike, 1, -1):
            lines = self._learnt(start, period, count)
            if lines is not None:
                run = self._written(start, period, count, lines)
                return run if run and (is_named or _saved(run) - 1 >= _LEAST_SAVED_UNNAMED) else None
        return None

    def _learnt(self, start: int, period: int, count: int) -> list[Line] | None:
        """The lines of one period through *count* repetitions; ``None`` where one template cannot hold one of them."""
        lines: list[Line] = []
        for index in range(start, start + period):
            line = learnt(self._column(index, period, count))
            if line is None:
                return None
            lines.append(line)
        return lines

    def _written(self, start: int, period: int, count: int, lines: list[Line]) -> Run | None:
        firsts = [self._nodes[index].text for index in range(start, start + period)]
        counts = [one for line, text in zip(lines, firsts, strict=True) for one in named_counts(line, text)]
        counts += [one for line in lines for one in line.counts]
        origin = next((one.start for one in counts if one.step == 1), 0)
        counter = self._counter._replace(origin=origin)
        if count == 2:
            again = [learnt(self._column(index, period, count), origin) for index in range(start, start + period)]
            lines = [line for line in again if line is not None]
        templates = tuple([line.template(counter, count) for line in lines])
        run = Run(start, period, count, counter, templates)
        if not all(self._is_exact(run, repetition) for repetition in range(count)):
            return None
        if count < LEARNT_FROM:
            return run
        times = self._times(run)
        # What goes unsaid may do so first in a later repetition.
        longer = run._replace(times=times, templates=tuple([line.template(counter, times) for line in lines]))
        return longer if self._is_exact(longer, times - 1) else run._replace(times=times)

    def _column(self, index: int, period: int, count: int) -> Column:
        return tuple([self._nodes[index + at * period].text for at in range(count)])

    def _alike(self, start: int, period: int) -> int:
        """How many of the first repetitions are of one kind."""
        first, count = self._kinds[start : start + period], 1
        while count < LEARNT_FROM and self._kinds[start + count * period : start + (count + 1) * period] == first:
            count += 1
        return count

    def _is_named(self, start: int, period: int) -> bool:
        """Whether the second repetition counts on in the name of a scope, an input or an output.

        Starts only grow, so that what was found of a line and its next in this period is not looked for again.
        """
        index = self._named[max(start, self._uncounted.get(period, 0))]
        while index < start + period and not self._is_counting(index, period):
            index = self._named[index + 1]
        self._uncounted[period] = index
        return index < start + period

    def _is_counting(self, index: int, period: int) -> bool:
        line = learnt(self._column(index, period, 2))
        return line is not None and bool(named_counts(line, self._nodes[index].text))

    def _is_worth_reading(self, start: int, period: int) -> bool:
        """Whether there is a third repetition that follows: without a name that counts, two are a coincidence."""
        third = start + 2 * period
        if self._kinds[third : third + period] != self._kinds[start : start + period]:
            return False
        columns = [self._column(index, period, 3) for index in range(start, start + period)]
        return all(counts_on(*column) or counts_on(without_specs(column[0])[0], *column[1:]) for column in columns)

    def _times(self, run: Run) -> int:
        """How often the period of *run* repeats, its templates being known."""
        period = self._kinds[run.start : run.start + run.period]
        times = run.times
        first = run.start + times * run.period
        while self._kinds[first : first + run.period] == period and self._is_exact(run, times):
            times += 1
            first += run.period
        return times

    def _is_exact(self, run: Run, repetition: int) -> bool:
        first = run.start + repetition * run.period
        return all(
            instantiate(template, repetition, run.counter) == node.text
            for template, node in zip(run.templates, self._nodes[first : first + run.period], strict=True)
        )


def runs(nodes: tuple[Node, ...], kinds: list[int], counter: Counter) -> Iterator[Run]:
    """All of *nodes*, in order, as runs."""
    found = Runs(nodes, kinds, counter)
    start = 0
    while start < len(nodes):
        run = found.at(start)
        yield run
        start += run.period * run.times


def _saved(run: Run) -> int:
    return (run.times - 1) * run.period


def following(kinds: list[int]) -> list[int]:
    """For each position the next one of its kind, 0 where there is none."""
    found = [0] * len(kinds)
    seen: dict[int, int] = {}
    for index in range(len(kinds) - 1, -1, -1):
        if kinds[index] >= 0:
            found[index] = seen.get(kinds[index], 0)
            seen[kinds[index]] = index
    return found


def periods(start: int, kinds: list[int], next_of_kind: list[int]) -> Iterator[int]:
    """The periods in which what stands at *start* may repeat: those of two repetitions of one kind."""
    position = next_of_kind[start]
    for _ in range(_CANDIDATES):
        period = position - start
        if not position or period > _LONGEST_PERIOD or start + 2 * period > len(kinds):
            return
        if kinds[start + period - 1] == kinds[position + period - 1]:
            block = kinds[start:position]
            if block == kinds[position : position + period] and min(block) >= 0:
                yield period
        position = next_of_kind[position]


def _named_from(nodes: tuple[Node, ...], next_of_kind: list[int]) -> list[int]:
    """For each position the first one from there on whose name could count, or one past the end."""
    named = [len(nodes)] * (len(nodes) + 1)
    for index in range(len(nodes) - 1, -1, -1):
        can_count = next_of_kind[index] and _can_count(nodes[index].text)
        named[index] = index if can_count else named[index + 1]
    return named


def _can_count(text: str) -> bool:
    """Whether the name in a line has a number between its dots."""
    named = _NAMED.match(text)
    return named is not None and _SEGMENT.search(text, named.start(1), named.end()) is not None


def counts_on(first: str, second: str, third: str) -> bool:
    """Whether three lines of one shape can be the first three repetitions: their numbers grow evenly."""
    one, two, three = split(first), split(second), split(third)
    for a, b, c in zip(one.slots, two.slots, three.slots, strict=False):
        if is_operand(b):
            if b != c and operand(b).pieces != operand(c).pieces:
                return False
        elif not a == b == c and not _grows_evenly(a, b, c):
            return False
    return True


def _grows_evenly(first: str, second: str, third: str) -> bool:
    one, two, three = number(first), number(second), number(third)
    return bool(one and two and three and two.value - one.value == three.value - two.value)


def named_counts(line: Line, first: str) -> list[Count]:
    """The numbers that count in the name of a scope, an input or an output, whose *first* line is that."""
    named = _NAMED.match(first)
    if named is None or not line.slots:
        return []
    segments = {found.start() for found in _SEGMENT.finditer(first, named.start(1), named.end())}
    positions = [found.start() for found in _DIGITS.finditer(first, 0, named.end())]
    known = zip(positions, line.slots, strict=False)
    counts = [slot.numbers[0] for at, slot in known if at in segments and isinstance(slot, Pattern) and slot.numbers]
    return [one for one in counts if isinstance(one, Count) and one.step > 0]
