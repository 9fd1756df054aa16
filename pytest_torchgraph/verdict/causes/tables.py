"""Tables, of positions say, that are computed in each call or read from a buffer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_torchgraph.canonical.program import Block, Given
from pytest_torchgraph.diff.change import Change
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    bytes_of,
    distinct,
    is_work,
    made,
    module_of,
    named_places,
    operations_of,
    packet,
    read,
    work_names,
)
from pytest_torchgraph.verdict.causes.masks import masks_among
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

WAVES = frozenset({"aten.cos", "aten.sin"})
"""What tables of positions are made of."""
LOOKED_UP = frozenset({"aten.index", "aten.index_select", "aten.embedding", "aten.gather"})
CHOOSING = frozenset({"aten.where", "aten.masked_fill", "aten.masked_fill_"})
"""What puts a mask over scores."""
COMPUTED = "a buffer of that size is gone, and each call makes what it needs of it"
HELD = "a buffer of that size holds what each call made"
MOST = 0.5


def computed(seen: Seen) -> Iterator[Claim]:
    """Cosines and sines that are computed where a buffer with them was read from, or the other way round."""
    makers, looked_up = _sides(seen)
    lookups = [change for change in looked_up if _buffers_of(change, LOOKED_UP)]
    waves = [change for change in makers if phase_of(change) == FORWARD and set(work_names(change.site)) & WAVES]
    if not waves or not _are_gone(seen, lookups, LOOKED_UP):
        return
    modules = set(map(module_of, waves))
    beside = [change for change in makers if module_of(change) in modules and not isinstance(change.site.item, Block)]
    size = _bytes_held(lookups, LOOKED_UP)
    yield _claim(seen, ("table", size), waves, (*waves, *beside, *lookups, *_again(lookups, looked_up)))


def masked(seen: Seen) -> Iterator[Claim]:
    """Masks that are made in each call where a buffer with them was read from, or the other way round."""
    makers, looked_up = _sides(seen)
    lookups = [change for change in looked_up if _buffers_of(change, CHOOSING)]
    masks = masks_among(seen, makers)
    if not masks or not _are_gone(seen, lookups, CHOOSING):
        return
    applied = [change for change in makers if is_work(change) and _puts_out_like(change, lookups)]
    numbers = [change for change in looked_up if isinstance(change.site.item, Given) and _is_near(change, lookups)]
    size = _bytes_held(lookups, CHOOSING)
    yield _claim(seen, ("mask", size), masks, (*masks, *lookups, *applied, *numbers, *_again(lookups, looked_up)))


def _sides(seen: Seen) -> tuple[list[Come], list[Come]]:
    """What makes tables, and what looks them up: the first came where there are fewer bytes of buffers."""
    before, after = seen.difference.metric("buffers")
    sides: tuple[list[Come], list[Come]] = [*seen.added], [*seen.removed]
    return sides if (after or 0) < (before or 0) else sides[::-1]


def _are_gone(seen: Seen, lookups: Iterable[Come], names: frozenset[str]) -> bool:
    """Whether buffers went or came that may be the tables of *lookups*, others with them.

    What a table is read with may stay a buffer, so that what is gone is a little less.
    """
    before, after = (amount or 0 for amount in seen.difference.metric("buffers"))
    return 0 < _bytes_held(lookups, names) <= abs(after - before) / MOST


def _bytes_held(lookups: Iterable[Come], names: frozenset[str]) -> int:
    """Bytes of the tables that are looked up, each once."""
    return sum({path: size for change in lookups for path, size in _buffers_of(change, names).items()}.values())


def _claim(seen: Seen, table: tuple[str, int], leading: Sequence[Come], claimed: Iterable[Change]) -> Claim:
    """What became of a *table* of so many bytes that are looked up; *leading* is what makes it."""
    before, after = (amount or 0 for amount in seen.difference.metric("buffers"))
    what, looked_up = table
    changes = distinct(claimed)
    end = f"{named_places(leading)} ({times(operations_of(changes), 'operation', '+d')})"
    size = bytes_text(min(looked_up, abs(after - before)))
    if after < before:
        title = f"a {what} is computed in each call that was held in buffers of {size}: {end}"
        return Claim(Cause("table-computed", COMPUTED), "operation", title, changes)
    title = f"a {what} is held in buffers of {size} that was computed in each call: {end}"
    return Claim(Cause("table-held", HELD), "operation", title, changes)


def _again(lookups: list[Come], looked_up: Iterable[Come]) -> Iterator[Come]:
    """The same lookups where checkpointing runs them again."""
    names, modules = set(map(packet, lookups)), set(map(module_of, lookups))
    for change in looked_up:
        if change.site.scope.is_again and packet(change) in names and module_of(change) in modules:
            yield change


def _puts_out_like(change: Come, lookups: Iterable[Come]) -> bool:
    """Whether *change* adds to scores what a lookup took the place of."""
    is_sum = packet(change) in ("aten.add", "aten.add_", "aten.sub", "aten.sub_")
    return is_sum and any(
        change.site.scope == lookup.site.scope and _outcome(change) == _outcome(lookup) for lookup in lookups
    )


def _outcome(change: Come) -> TensorSpec | None:
    """What *change* makes or writes into."""
    return made(change.site) or read(change.site)


def _is_near(change: Come, lookups: Iterable[Come]) -> bool:
    return any(change.site.scope == lookup.site.scope for lookup in lookups)


def _buffers_of(change: Come, names: frozenset[str]) -> Mapping[str, int]:
    """The tables that *change* looks up, where it is an operation of these *names*, with their bytes."""
    if not names & set(work_names(change.site)) or phase_of(change) != FORWARD:
        return {}
    return {value.path: bytes_of(value.made or value.spec) for value in change.site.reads if value.path}
