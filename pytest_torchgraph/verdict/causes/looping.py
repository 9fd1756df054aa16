"""Work that is done part by part in a loop of Python's, and put together again, where it was done once for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_torchgraph.canonical.program import ModuleCall
from pytest_torchgraph.diff.change import Added, Altered, Change, Removed
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Side, both_ways, distinct, is_work, module_of, packet
from pytest_torchgraph.words.counting import times

JOINING = frozenset({"aten.stack", "aten.cat"})
LEAST = 3
"""Parts that make a loop: two are as often written out for what differs in them."""
LOOPED = "a Python loop over a dimension, or a list: as many kernels as there are parts"
BATCHED = "one kernel for all parts in the place of a Python loop"


@both_ways
def looped(side: Side) -> Iterator[Claim]:
    """An operation that was done once is done for each part, and the results are joined; or the other way round."""
    for join in side.changes:
        made = _parts(join)
        if made is None:
            continue
        name, count = made
        inside = [each for each in side.changes if _is_step(each) and each.site.scope == join.site.scope]
        whole = [change for change in (*side.others, *side.seen.altered) if _is_whole(change, name, join)]
        numbers = Counter(map(packet, inside))
        if len(whole) != 1 or numbers[name] + isinstance(whole[0], Altered) != count:
            continue
        repeated = [each for each in inside if numbers[packet(each)] in (count, count - 1)]
        behind = [each for each in side.changes if phase_of(each) == BACKWARD and module_of(each) == module_of(join)]
        one_by_one = f"for {times(count, 'part')} one after the other"
        told = f"{one_by_one}, once for all before" if side.more else f"once for all, {one_by_one} before"
        changes: tuple[Change, ...] = distinct((*repeated, *whole, join, *behind))
        cause = Cause("looped", LOOPED) if side.more else Cause("batched", BATCHED)
        yield Claim(cause, "operation", f"{name} is done {told}", changes, "more" if side.more else "fewer")


def _parts(join: Come) -> tuple[str, int] | None:
    """The operation that made all that *join* joins, and how many there are; ``None`` where there is no such one."""
    if not is_work(join) or packet(join) not in JOINING or phase_of(join) != FORWARD:
        return None
    makers = {value.maker for value in join.site.reads}
    names = {value.name for value in join.site.reads}
    if len(makers) != 1 or "" in makers or len(names) < LEAST:
        return None
    return packet_of(makers.pop()), len(names)


def _is_step(change: Come) -> bool:
    """Whether *change* is an operation, or a module that is called once more."""
    item = change.site.item
    return is_work(change) or (isinstance(item, ModuleCall) and item.call > 1)


def _is_whole(change: Change, name: str, join: Come) -> bool:
    """Whether *change* is the operation as it was done once, in the same scope."""
    if isinstance(change, Altered):
        return packet_of(change.after.name) == name and change.after.scope == join.site.scope
    return isinstance(change, (Added, Removed)) and packet(change) == name and change.site.scope == join.site.scope
