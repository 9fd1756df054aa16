"""Tensors that are concatenated in one step, or in several."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import Altered, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Side, both_ways, is_work, module_of, named_places, packet
from pytest_torchgraph.words.counting import times

CAT = "aten.cat"
IN_STEPS = "what is joined is joined again with the rest, which writes it twice"
AT_ONCE = "all parts are written once"


@both_ways
def joined(side: Side) -> Iterator[Claim]:
    """Concatenations that came where others join fewer tensors than before: one step became two, or the reverse."""
    steps = [change for change in side.changes if is_work(change) and packet(change) == CAT]
    steps = [change for change in steps if phase_of(change) == FORWARD]
    rest = [change for change in side.seen.altered if _joins_less(change, more=side.more)]
    if not steps or len(steps) != len(rest):
        return
    modules = {module_of(change) for change in (*steps, *rest)}
    readers = [
        change
        for change in side.seen.altered
        if change not in rest and _reads_elsewhere(change) and _lies_beside(module_of(change), modules)
    ]
    how = "in two steps, at once before" if side.more else "at once, in two steps before"
    count = times(len(steps) if side.more else -len(steps), "operation", "+d")
    title = f"tensors are concatenated {how}: {named_places(steps)} ({count})"
    cause = Cause("unfused", IN_STEPS) if side.more else Cause("fused", AT_ONCE)
    yield Claim(cause, "operation", title, (*steps, *rest, *readers), "more" if side.more else "fewer")


def _joins_less(change: Altered, *, more: bool) -> bool:
    """Whether the side with *more* concatenations joins fewer tensors here."""
    if packet_of(change.before.name) != CAT or packet_of(change.after.name) != CAT:
        return False
    before, after = _parts(change.before), _parts(change.after)
    return after < before if more else before < after


def _parts(site: Site) -> int:
    return len(site.reads) if isinstance(site.item, Work) else 0


def _reads_elsewhere(change: Altered) -> bool:
    """Whether nothing differs but where a value of the same sizes is read from."""
    return all(field.kind in ("operand", "geometry", "part") for field in change.fields)


def _lies_beside(module: str, modules: set[str]) -> bool:
    parent = module.rpartition(".")[0]
    return module in modules or any(other.rpartition(".")[0] == parent for other in modules)
