"""Runs of sibling lines that repeat: where they are, how long, and how their numbers count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_torchgraph.snapshot.template import Count, Line, counts_on, instantiate
from pytest_torchgraph.snapshot.tree import Node

_LONGEST_PERIOD = 512
_CANDIDATES = 8
_NAMED = re.compile(r"(?:(?:input|return) )?([^\s(%]+)(?![\w(%])", re.ASCII)
_SEGMENT = re.compile(r"(?<![^./#])\d+(?![^./#:])", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
# Two repetitions show how numbers grow, the third how operands do: those of the first may come from elsewhere.
_LEARNT_FROM = 3
# A run of lines that count no scope or value by its name is only worth its reading when it is long.
_LEAST_SAVED_UNNAMED = 2


class Run(NamedTuple):
    """``times`` repetitions of ``period`` siblings from ``start``; one repetition is no repetition.

    ``origin`` is what i is at first; ``templates`` are the lines of one period.
    """

    start: int
    period: int
    times: int
    origin: int = 0
    templates: tuple[str, ...] = ()


def runs(nodes: tuple[Node, ...], kinds: list[int]) -> Iterator[Run]:
    """All of *nodes*, in order, as runs; nodes of one kind (negative for none) may stand in one template."""
    following = _following(kinds)
    named = _named_from(nodes, following)
    start = 0
    while start < len(nodes):
        best = Run(start, 1, 1)
        for period in _periods(start, kinds, following):
            run = _run(nodes, kinds, start, period, named)
            if run and _saved(run) > _saved(best):
                best = run
        yield best
        start += best.period * best.times


def _saved(run: Run) -> int:
    return (run.times - 1) * run.period


def _following(kinds: list[int]) -> list[int]:
    """For each position the next one of its kind, 0 where there is none."""
    following = [0] * len(kinds)
    seen: dict[int, int] = {}
    for index in range(len(kinds) - 1, -1, -1):
        if kinds[index] >= 0:
            following[index] = seen.get(kinds[index], 0)
            seen[kinds[index]] = index
    return following


def _periods(start: int, kinds: list[int], following: list[int]) -> Iterator[int]:
    position = following[start]
    for _ in range(_CANDIDATES):
        period = position - start
        if not position or period > _LONGEST_PERIOD or start + 2 * period > len(kinds):
            return
        if kinds[start + period - 1] == kinds[position + period - 1]:
            block = kinds[start:position]
            if block == kinds[position : position + period] and min(block) >= 0:
                yield period
        position = following[position]


def _run(nodes: tuple[Node, ...], kinds: list[int], start: int, period: int, named: list[int]) -> Run | None:
    is_named = _is_named(nodes, start, period, named)
    if not is_named and not _is_worth_reading(nodes, kinds, start, period):
        return None
    lines = [Line(node.text) for node in nodes[start : start + period]]
    count = 1
    while count < _LEARNT_FROM and _repeats(nodes, kinds, start, period, count, lines):
        count += 1
    if count < 2:
        return None
    counts = [count for line in lines for count in _named_counts(line)]
    counts += [count for line in lines for count in line.number_counts()]
    origin = next((count.start for count in counts if count.step == 1), 0)
    templates = tuple(line.template(origin) for line in lines)
    run = Run(start, period, count, origin, templates)
    if not all(_is_exact(run, repetition, nodes) for repetition in range(count)):
        return None
    if count == _LEARNT_FROM:
        run = run._replace(times=_times(run, nodes, kinds))
    return run if is_named or _saved(run) - 1 >= _LEAST_SAVED_UNNAMED else None


def _is_named(nodes: tuple[Node, ...], start: int, period: int, named: list[int]) -> bool:
    """Whether the second repetition counts on in the name of a scope, an input or an output."""
    index = named[start]
    while index < start + period:
        line = Line(nodes[index].text)
        if line.follows(1, nodes[index + period].text) and _named_counts(line):
            return True
        index = named[index + 1]
    return False


def _named_from(nodes: tuple[Node, ...], following: list[int]) -> list[int]:
    """For each position the first one from there on whose name could count, or one past the end."""
    named = [len(nodes)] * (len(nodes) + 1)
    for index in range(len(nodes) - 1, -1, -1):
        can_count = following[index] and _NAMED.match(nodes[index].text)
        named[index] = index if can_count else named[index + 1]
    return named


def _is_worth_reading(nodes: tuple[Node, ...], kinds: list[int], start: int, period: int) -> bool:
    """Whether there is a third repetition that follows: without a name that counts, two are a coincidence."""
    third = start + 2 * period
    if kinds[third : third + period] != kinds[start : start + period]:
        return False
    return all(
        counts_on(nodes[index].text, nodes[index + period].text, nodes[index + 2 * period].text)
        for index in range(start, start + period)
    )


def _repeats(nodes: tuple[Node, ...], kinds: list[int], start: int, period: int, count: int, lines: list[Line]) -> bool:
    """Whether one more repetition follows; a line that does not fit leaves the counting of the others as it was."""
    first = start + period * count
    if kinds[first : first + period] != kinds[start : start + period]:
        return False
    return all(line.follows(count, node.text) for line, node in zip(lines, nodes[first : first + period], strict=True))


def _named_counts(line: Line) -> list[Count]:
    """The numbers that count in the name of a scope, an input or an output."""
    named = _NAMED.match(line.text)
    if named is None:
        return []
    counts = line.number_counts()
    positions = [found.start() for found in _DIGITS.finditer(line.text, 0, named.end())]
    segments = {found.start() for found in _SEGMENT.finditer(line.text, named.start(1), named.end())}
    known = zip(positions, counts, strict=False)
    return [count for position, count in known if position in segments and count.step > 0]


def _times(run: Run, nodes: tuple[Node, ...], kinds: list[int]) -> int:
    """How often the period of *run* repeats, its templates being known."""
    period = kinds[run.start : run.start + run.period]
    times = run.times
    first = run.start + times * run.period
    while kinds[first : first + run.period] == period and _is_exact(run, times, nodes):
        times += 1
        first += run.period
    return times


def _is_exact(run: Run, repetition: int, nodes: tuple[Node, ...]) -> bool:
    first = run.start + repetition * run.period
    return all(
        instantiate(template, repetition, run.origin) == node.text
        for template, node in zip(run.templates, nodes[first : first + run.period], strict=True)
    )
