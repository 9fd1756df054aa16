"""Long lists of values that count, written on one line (:mod:`~.lists`)."""

from __future__ import annotations

import re

from pytest_torchgraph.snapshot.lists import lengthen
from pytest_torchgraph.snapshot.patterns import VALUE
from pytest_torchgraph.snapshot.reading import READING
from pytest_torchgraph.snapshot.repeats import runs
from pytest_torchgraph.snapshot.slots import shape
from pytest_torchgraph.snapshot.template import Counter
from pytest_torchgraph.snapshot.tree import Node

_LEAST_VALUES = 8
_OPERAND = rf"{VALUE}(?::\d+)?{READING}"
_SEQUENCE = re.compile(rf"{_OPERAND}(?:, {_OPERAND}){{{_LEAST_VALUES - 1},}}", re.ASCII)


def shorten(text: str, counter: Counter) -> str:
    """*text* with its long lists shortened, in which *counter* counts; ``lengthen`` gives exactly *text* back."""
    if text.count(", %") < _LEAST_VALUES - 1:
        return text
    shorter = _SEQUENCE.sub(lambda found: _shortened(found[0], counter), text)
    return shorter if shorter == text or lengthen(shorter, counter) == text else text


def _shortened(sequence: str, counter: Counter) -> str:
    values = tuple(map(Node, sequence.split(", ")))
    numbers: dict[object, int] = {}
    kinds = [numbers.setdefault(shape_of(value.text), len(numbers)) for value in values]
    parts = []
    for run in runs(values, kinds, counter):
        if run.times * run.period >= _LEAST_VALUES and not run.counter.origin:
            parts.append(f"{{{', '.join(run.templates)} ×{run.times}}}")
        else:
            parts += [value.text for value in values[run.start : run.start + run.times * run.period]]
    return ", ".join(parts)


def shape_of(value: str) -> object:
    """What two values of a list share when one template may hold both."""
    return shape(value[1:])
