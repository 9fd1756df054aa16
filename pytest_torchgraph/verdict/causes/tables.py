"""Tables, of positions say, that are computed in each call or read from a buffer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_torchgraph.canonical.program import Block
from pytest_torchgraph.diff.change import Change
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    bytes_of,
    distinct,
    module_of,
    named_places,
    operations_of,
    work_names,
)
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

WAVES = frozenset({"aten.cos", "aten.sin"})
"""What tables of positions are made of."""
LOOKED_UP = frozenset({"aten.index", "aten.index_select", "aten.embedding", "aten.gather"})
COMPUTED = "a buffer of that size is gone, and each call makes what it needs of it"
HELD = "a buffer of that size holds what each call made"
MOST = 0.5


def computed(seen: Seen) -> Iterator[Claim]:
    """Cosines and sines that are computed where a buffer with them was read from, or the other way round."""
    before, after = (amount or 0 for amount in seen.difference.metric("buffers"))
    made, looked_up = (seen.added, seen.removed) if after < before else (seen.removed, seen.added)
    lookups = [change for change in looked_up if _buffers_of(change)]
    held = sum({path: size for change in lookups for path, size in _buffers_of(change).items()}.values())
    waves = [change for change in made if phase_of(change) == FORWARD and set(work_names(change.site)) & WAVES]
    # What a table is read with may stay a buffer, so that what is gone is a little less.
    if not waves or not held or not MOST * abs(after - before) <= held <= abs(after - before) / MOST:
        return
    modules = set(map(module_of, waves))
    beside = [change for change in made if module_of(change) in modules and not isinstance(change.site.item, Block)]
    changes: tuple[Change, ...] = distinct((*waves, *beside, *lookups))
    count = times(operations_of(changes), "operation", "+d")
    size, where = bytes_text(abs(after - before)), named_places(waves)
    if after < before:
        title = f"a table is computed in each call that was held in buffers of {size}: {where} ({count})"
        yield Claim(Cause("table-computed", COMPUTED), "operation", title, changes)
    else:
        title = f"a table is held in buffers of {size} that was computed in each call: {where} ({count})"
        yield Claim(Cause("table-held", HELD), "operation", title, changes)


def _buffers_of(change: Come) -> Mapping[str, int]:
    """The tables that are looked up at *change*, with their bytes."""
    names = set(work_names(change.site))
    if not names & LOOKED_UP or phase_of(change) != FORWARD:
        return {}
    return {value.path: bytes_of(value.made or value.spec) for value in change.site.reads if value.path}
