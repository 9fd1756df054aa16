"""Operations in place that another one took the place of, and the copy that autograd makes of what they write over."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.program import Block, Work
from pytest_torchgraph.diff.change import Altered, Change
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Side, both_ways, distinct, is_work, packet
from pytest_torchgraph.words.counting import times

KEPT = "autograd copies what is written over: backward reads it (inplace=True)"
NOT_KEPT = "autograd copies no longer what is written over: backward does not read it"


@both_ways
def copied_by_autograd(side: Side) -> Iterator[Claim]:
    """An operation in place became one whose operand autograd copies, or one whose operand it does not."""
    copies = [each for each in side.changes if is_work(each) and packet(each) == "aten.clone"]
    pairs = [(swap, copy) for swap in side.seen.altered for copy in copies if _writes_over(swap, copy, more=side.more)]
    if not pairs:
        return
    names = dict.fromkeys(f"{packet_of(swap.before.name)} -> {packet_of(swap.after.name)}" for swap, _ in pairs)
    what = "autograd copies what is written over" if side.more else "nothing is copied that is written over"
    title = f"{times(len(pairs), 'operation')} swapped: {', '.join(names)}; {what}"
    changes: tuple[Change, ...] = distinct((*(swap for swap, _ in pairs), *(copy for _, copy in pairs)))
    cause = Cause("operand-copied", KEPT) if side.more else Cause("operand-not-copied", NOT_KEPT)
    yield Claim(cause, "operation", title, changes, "more" if side.more else "fewer")


def _writes_over(swap: Altered, copy: Come, *, more: bool) -> bool:
    """Whether the operation of *swap* that comes with *copy* writes over the value that was copied just before."""
    writing = swap.after.item if more else swap.before.item
    if not isinstance(writing, Work) or not isinstance(copy.site.item, Work) or phase_of(swap) != FORWARD:
        return False
    items = copy.site.body.items if isinstance(copy.site.body, Block) else ()
    names = packet_of(swap.before.name), packet_of(swap.after.name)
    return (
        (swap.after if more else swap.before).scope == copy.site.scope
        and names[0] != names[1]
        and all(name.endswith("_") for name in names)
        and writing in items
        and bool(writing.arguments)
        and writing.arguments[:1] == copy.site.item.arguments[:1]
    )
