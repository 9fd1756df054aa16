"""Values that ranks send to each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_torchgraph.graph.counting import times
from pytest_torchgraph.graph.traffic import MAKES_ROOM
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, is_work, module_of, packet

NAMESPACES = ("c10d.", "_c10d_functional.", "_dtensor.")
WAITS = "ranks wait for each other; it is done with one rank, too"


def communication(seen: Seen) -> Iterator[Claim]:
    """Collectives that came or went, with the room that is made for what they bring."""
    for changes, more in ((seen.added, True), (seen.removed, False)):
        found = [change for change in changes if is_work(change) and packet(change).startswith(NAMESPACES)]
        if found:
            names = ", ".join(sorted({packet(change) for change in found}))
            title = f"{'+' if more else '-'}{times(len(found), 'operation')} between ranks: {names}"
            cause = Cause("communication", WAITS) if more else Cause("communication-removed", "")
            yield Claim(cause, "operation", title, (*found, *_rooms(changes, found)), "more" if more else "fewer")


def _rooms(changes: Sequence[Come], found: Sequence[Come]) -> Iterator[Come]:
    modules = {module_of(change) for change in found}
    for change in changes:
        if is_work(change) and MAKES_ROOM.fullmatch(packet(change)) and module_of(change) in modules:
            yield change
