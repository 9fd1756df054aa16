"""Values whose dimensions changed places: batch and length, heads and length."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Altered
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Seen, made
from pytest_torchgraph.words.counting import times

READINGS = frozenset({"shape", "stride", "geometry", "part", "operand"})
LEAST = 2
"""Operations of the forward pass from which on dimensions are told to have changed places, and not one operation."""
HINT = "the same sizes in another order: batch_first, or heads before the length?"


def dimensions_swapped(seen: Seen) -> Iterator[Claim]:
    """Operations that make the same sizes in another order, and nothing else otherwise but where a dimension is."""
    found = [change for change in seen.altered if _is_turned(change)]
    forward = [change for change in found if phase_of(change) == FORWARD]
    if len(forward) < LEAST:
        return
    first = max(forward, key=lambda change: not change.follows)
    before, after = made(first.before), made(first.after)
    told = f": {before.text} -> {after.text}" if before and after else ""
    title = f"dimensions changed places in {times(len(found), 'operation')}{told}"
    leading = sorted(found, key=lambda change: change.follows)
    yield Claim(Cause("dimensions-swapped", HINT), "operation", title, tuple(leading))


def _is_turned(change: Altered) -> bool:
    """Whether *change* makes the same sizes in another order, and differs in sizes, strides and a ``dim`` only."""
    before, after = made(change.before), made(change.after)
    if before is None or after is None or before.shape == after.shape or before.dtype != after.dtype:
        return False
    known = all(field.kind in READINGS or (field.kind == "argument" and field.name == "dim") for field in change.fields)
    return known and sorted(before.shape) == sorted(after.shape)
