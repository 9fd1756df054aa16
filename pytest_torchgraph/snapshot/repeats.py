"""Runs of sibling lines that repeat: where they are, how long, and how their numbers count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_torchgraph.snapshot.template import Line, instantiate
from pytest_torchgraph.snapshot.tree import Node

_LONGEST_PERIOD = 512
_CANDIDATES = 8
_NAMED = re.compile(r"(?:(?:input|return) )?([^\s(%]+)(?![\w(%])", re.ASCII)
_SEGMENT = re.compile(r"(?<![^./#])\d+(?![^./#:])", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
# A run of lines that count no scope or value by its name is only worth its reading when it is long.
_LEAST_SAVED_UNNAMED = 2


class Run(NamedTuple):
    """``count`` repetitions of ``period`` siblings from ``start``; one repetition is no repetition.

    ``origin`` is what i is at first; ``templates`` are the lines of one period.
    """

    start: int
    period: int
    count: int
    origin: int = 0
    templates: tuple[str, ...] = ()


def runs(nodes: tuple[Node, ...], kinds: list[int]) -> Iterator[Run]:
    """All of *nodes*, in order, as runs; nodes of one kind (negative for none) may stand in one template."""
    following = _following(kinds)
    start = 0
    while start < len(nodes):
        best = Run(start, 1, 1)
        for period in _periods(start, kinds, following):
            run = _run(nodes, kinds, start, period)
            if run and _saved(run) > _saved(best):
                best = run
        yield best
        start += best.period * best.count


def _saved(run: Run) -> int:
    return (run.count - 1) * run.period


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


def _run(nodes: tuple[Node, ...], kinds: list[int], start: int, period: int) -> Run | None:
    lines = [Line(node.text) for node in nodes[start : start + period]]
    count = 1
    while _repeats(nodes, kinds, start, period, count, lines):
        count += 1
    named = [_named_counts(line) for line in lines]
    is_named = any(named)
    if count < 2 or (not is_named and (count < 3 or (count - 1) * period - 1 < _LEAST_SAVED_UNNAMED)):
        return None
    counting = [count for line in lines for count in line.number_counts() if count.step == 1]
    origin = next((start for starts in named for start in starts), counting[0].start if counting else 0)
    templates = tuple(line.template(origin) for line in lines)
    run = Run(start, period, count, origin, templates)
    return run if _is_exact(run, nodes) else None


def _repeats(nodes: tuple[Node, ...], kinds: list[int], start: int, period: int, count: int, lines: list[Line]) -> bool:
    """Whether one more repetition follows; a line that does not fit leaves the counting of the others as it was."""
    first = start + period * count
    if kinds[first : first + period] != kinds[start : start + period]:
        return False
    return all(line.follows(count, node.text) for line, node in zip(lines, nodes[first : first + period], strict=True))


def _named_counts(line: Line) -> list[int]:
    """What the numbers that count in the name of a scope, an input or an output are at first."""
    named = _NAMED.match(line.text)
    if named is None:
        return []
    counts = line.number_counts()
    positions = [found.start() for found in _DIGITS.finditer(line.text, 0, named.end())]
    segments = {found.start() for found in _SEGMENT.finditer(line.text, named.start(1), named.end())}
    known = zip(positions, counts, strict=False)
    return [count.start for position, count in known if position in segments and count.step == 1]


def _is_exact(run: Run, nodes: tuple[Node, ...]) -> bool:
    return all(
        instantiate(template, repetition, run.origin) == nodes[run.start + repetition * run.period + index].text
        for repetition in range(run.count)
        for index, template in enumerate(run.templates)
    )
