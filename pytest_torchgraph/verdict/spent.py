"""The time that is in a finding, where both graphs were timed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.canonical.program import Block, Given, Item, ParameterLoop, Semantic, Work
from pytest_torchgraph.diff.change import Added, Altered, Change, Moved, Removed
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record
    from pytest_torchgraph.recorded.timing import Timing
    from pytest_torchgraph.verdict.finding import Finding


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds before and after."""

    before: float
    after: float


def times_of(before: Record, after: Record) -> tuple[Timing, Timing] | None:
    """The times of both records; ``None`` where one was not timed, or where two clocks are not alike."""
    if before.timing is None or after.timing is None or before.timing.source != after.timing.source:
        return None
    return before.timing, after.timing


def time_of(finding: Finding, before: Timing, after: Timing) -> Spent | None:
    """Seconds of the operations behind *finding* on each side, each operation once.

    ``None`` where one of them stands for several, as those of an optimizer's loop do, or where there are none.
    """
    went, came = set[int](), set[int]()
    try:
        for change in (change for group in finding.groups for change in group.changes):
            old, new = _sides(change)
            went.update(_positions(old))
            came.update(_positions(new))
    except _StandsForMoreError:
        return None
    return Spent(before.of(went), after.of(came)) if went or came else None


class _StandsForMoreError(Exception):
    """An item is no operation of the record alone."""


def _sides(change: Change) -> tuple[Item | None, Item | None]:
    """What *change* is of before and after."""
    match change:
        case Added(site):
            return None, site.item
        case Removed(site):
            return site.item, None
        case Altered(before, after) | Moved(before, after):
            return before.item, after.item
        case _:
            return None, None


def _positions(item: Item | None) -> Iterator[int]:
    match item:
        case None | Given():
            return
        case ParameterLoop() | Work(source=None):
            raise _StandsForMoreError
        case Work(source=int(position)):
            yield position
        case Semantic(items=items) | Block(items=items):
            for inner in items:
                yield from _positions(inner)
