"""Runs in which one thing is done otherwise, and what is made of them at once and one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch

from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.capture.effect import operands_of
from pytest_torchgraph.capture.folded import folded
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.tensor import Raw


def edits(run: Run, places: Iterable[int], others: list[Raw]) -> Iterator[Run]:
    """*run* with one thing changed in one of the operations at *places*.

    It may read one of *others* instead, if that is there by then, or be what another node of the autograd graph does.
    """
    sights = run.identity.sights
    for at in places:
        there = [raw for raw in others if sights[raw.storage].before_run or sights[raw.storage].born < at]
        for entry in (*_edited(run.log[at], [*there, *operands_of(run.log[0])]), *_of_other_nodes(run.log, at)):
            yield replace(run, rows=[*run.log[:at], entry, *run.log[at + 1 :]])


def _edited(entry: Entry, others: list[Raw]) -> Iterator[Entry]:
    for place, value in enumerate(entry.arguments):
        found: list[Any] = []
        if isinstance(value, Raw):
            found = [other for other in others if other.shape == value.shape and other.storage != value.storage][:2]
            found.append(Raw((*value[:2], value.view._replace(shape=(9, *value.shape)))))
        elif isinstance(value, (bool, int, float)):
            found = [value + 1, float(value) if type(value) is int else int(value), None]
        for new in found:
            yield entry._replace(arguments=[*entry.arguments[:place], new, *entry.arguments[place + 1 :]])
    yield entry._replace(keywords={**(entry.keywords or {}), "alpha": 2})
    yield entry._replace(scope=entry.scope - 1)
    if isinstance(entry.results, Raw):
        raw = entry.results
        yield entry._replace(results=Raw((*raw[:2], raw.view._replace(dtype=torch.float16))))
        yield entry._replace(results=None)


def _of_other_nodes(log: list[Entry], at: int) -> Iterator[Entry]:
    entry, others = log[at], (log[max(at - distance, 0)].running for distance in (9, 40))
    if entry.running is not None:
        yield from (entry._replace(running=other) for other in (None, *others) if other != entry.running)


def seen_otherwise(run: Run, edited: Iterable[Run]) -> tuple[int, int]:
    """How many of the *edited* runs could be, and how many of these differ from *run*.

    Raises ``AssertionError`` for one that is folded to another canonical graph than it has.
    """
    whole = canonical(freeze(run))
    tried = differing = 0
    for other in edited:
        try:
            expected = canonical(freeze(other))
        except (KeyError, AssertionError, StopIteration, ValueError):
            continue  # no run is like that
        program = folded(other)
        tried += 1
        differing += expected != whole
        assert program is None or program == expected
    return tried, differing
