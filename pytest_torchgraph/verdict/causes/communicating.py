"""Values that ranks send to each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_torchgraph.analysis.traffic import MAKES_ROOM
from pytest_torchgraph.diff.change import Altered, Field, LeafChanged
from pytest_torchgraph.diff.signature import DESTINATION, SOURCE
from pytest_torchgraph.recorded.collective import REDUCTIONS, kind_of
from pytest_torchgraph.recorded.operation import Group
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    fields_of,
    is_work,
    module_of,
    packet,
)
from pytest_torchgraph.words.counting import times

REDUCES = "ranks combine their values by another operation, so the numbers are others"
RANKS = frozenset({SOURCE, DESTINATION})
WAITS = "ranks wait for each other; it is done with one rank, too"


@both_ways
def communication(side: Side) -> Iterator[Claim]:
    """Collectives that came or went, with the room that is made for what they bring."""
    found = [change for change in side.changes if is_work(change) and kind_of(change.site.name) is not None]
    if found:
        names = ", ".join(sorted({packet(change) for change in found}))
        title = f"{'+' if side.more else '-'}{times(len(found), 'operation')} between ranks: {names}"
        cause = Cause("communication", WAITS) if side.more else Cause("communication-removed", "")
        yield Claim(cause, "operation", title, (*found, *_rooms(side.changes, found)), "more" if side.more else "fewer")


def otherwise(seen: Seen) -> Iterator[Claim]:
    """Collectives that reduce by another operation, or run among other ranks: one claim for each such change."""
    found: dict[tuple[str, str, object, object], list[Altered]] = {}
    for change in seen.altered:
        if kind_of(change.before.name) is not None:
            for field in fields_of(change, "argument"):
                name = _meaning(field)
                if name:
                    found.setdefault((name, field.name, field.before, field.after), []).append(change)
    for (name, argument, before, after), changes in found.items():
        what = f"{times(len(changes), 'operation')} between ranks"
        if isinstance(before, Group) and isinstance(after, Group):
            title = f"{what} in another group: {_group_text(before)} -> {_group_text(after)}"
            parts = _other_parts(seen, len(before.ranks), len(after.ranks))
            yield Claim(Cause(name, ""), "argument", title, (*changes, *parts))
        elif argument in RANKS:
            title = f"{argument} {before} -> {after} in {what}"
            yield Claim(Cause(name, ""), "argument", title, tuple(changes))
        else:
            title = f"reduction {before} -> {after} in {what}"
            yield Claim(Cause(name, REDUCES), "argument", title, tuple(changes))


def _other_parts(seen: Seen, before: int, after: int) -> Iterator[LeafChanged]:
    """Parts of parameters that are larger or smaller by as much as there are fewer or more ranks."""
    for change in seen.changes:
        if isinstance(change, LeafChanged) and "._local_tensor" in change.path:
            sizes = math.prod(change.before.shape), math.prod(change.after.shape)
            if sizes[0] * before == sizes[1] * after:
                yield change


def _group_text(group: Group) -> str:
    """``4 ranks, group(0-3)``."""
    return f"{times(len(group.ranks), 'rank')}, {group.text}"


def _meaning(field: Field) -> str:
    """The cause behind an argument of a collective that changed; empty where it is no group, rank or reduction."""
    before, after = field.before, field.after
    if (isinstance(before, Group) and isinstance(after, Group)) or field.name in RANKS:
        return "other-ranks"
    return "reduction" if before in REDUCTIONS and after in REDUCTIONS else ""


def _rooms(changes: Sequence[Come], found: Sequence[Come]) -> Iterator[Come]:
    modules = {module_of(change) for change in found}
    for change in changes:
        if is_work(change) and MAKES_ROOM.fullmatch(packet(change)) and module_of(change) in modules:
            yield change
