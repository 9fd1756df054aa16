"""Held values that are looked up by index, and what tells positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_torchgraph.canonical.program import Block, Item, Work
from pytest_torchgraph.diff.change import Change, MetricChanged
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Side,
    both_ways,
    bytes_of,
    distinct,
    is_work,
    module_of,
    named_places,
    operations_of,
    packet,
    work_names,
)
from pytest_torchgraph.verdict.causes.rebuilding import depends_on_nothing
from pytest_torchgraph.verdict.causes.tables import WAVES
from pytest_torchgraph.words.counting import listed, times

BY_INDEX = frozenset({"aten.index", "aten.index_select", "aten.gather", "aten.take"})
SLICE = "where the indices are consecutive, a slice reads the same values and copies nothing"
EMBEDDING = "aten.embedding"
COMPUTED = "sines and cosines are made where learned values were looked up"
LEARNED = "learned values are looked up where sines and cosines were made"


@both_ways
def looked_up(side: Side) -> Iterator[Claim]:
    """Values of a parameter or buffer that are taken by index in the forward pass."""
    found = [change for change in side.changes if _looks_up(change)]
    if not found:
        return
    paths = list(dict.fromkeys(change.site.reads[0].path for change in found))
    names = listed(list(dict.fromkeys(map(packet, found))), 3)
    count = times(len(found), "operation", "+d" if side.more else "")
    title = f"{'' if side.more else 'no longer '}looked up by {names} in each call: {listed(paths, 2)} ({count})"
    cause = Cause("looked-up", SLICE) if side.more else Cause("lookup-removed", "")
    yield Claim(cause, "operation", title, tuple(found), "more" if side.more else "fewer")


def _looks_up(change: Come) -> bool:
    reads = change.site.reads
    is_lookup = is_work(change) and packet(change) in BY_INDEX and phase_of(change) == FORWARD and not change.within
    return is_lookup and len(reads) > 1 and bool(reads[0].path)


@both_ways
def positions(side: Side) -> Iterator[Claim]:
    """Sines and cosines of numbers alone in the place of a lookup in a parameter; ``more`` is where they came."""
    waves = [change for change in side.changes if _makes_waves(change)]
    learned = [change for change in side.others if _embeds(change.site.item) and phase_of(change) == FORWARD]
    if not waves or len(learned) != 1 or not _held_as_much(side, learned):
        return
    modules = set(map(module_of, waves))
    made = [change for change in side.changes if module_of(change) in modules and phase_of(change) == FORWARD]
    parts: list[Come] = [*waves, *(each for each in made if is_work(each) and depends_on_nothing(each.site))]
    changes: tuple[Change, ...] = distinct((*parts, *learned))
    count = times(operations_of(changes), "operation", "+d")
    first, second = ("sines and cosines", "learned values") if side.more else ("learned values", "sines and cosines")
    title = f"positions are told by {first}, no longer by {second}: {named_places(learned)} ({count})"
    cause = Cause("positions-computed", COMPUTED) if side.more else Cause("positions-learned", LEARNED)
    yield Claim(cause, "operation", title, changes)


def _makes_waves(change: Come) -> bool:
    forward = phase_of(change) == FORWARD and bool(set(work_names(change.site)) & WAVES)
    return forward and (not is_work(change) or depends_on_nothing(change.site))


def _embeds(item: Item) -> bool:
    """Whether *item* is a lookup in a parameter, or the call of a module that does nothing else."""
    match item:
        case Work(name=name):
            return name.startswith(EMBEDDING + ".")
        case Block(items=items, leaves=leaves):
            return bool(leaves) and len(items) == 1 and _embeds(items[0])
        case _:
            return False


def _held_as_much(side: Side, learned: Sequence[Come]) -> bool:
    """Whether the parameters that went or came are as many bytes as those that are looked up."""
    sizes = sum(bytes_of(spec) for change in learned for _, spec in getattr(change.site.item, "leaves", ()))
    moved = [
        abs((each.after or 0) - (each.before or 0))
        for each in side.seen.changes
        if isinstance(each, MetricChanged) and each.name == "parameters"
    ]
    return bool(sizes) and moved == [sizes]
