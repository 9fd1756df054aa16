"""Work that was done in each of several modules is done once, around them; or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.program import Block, Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import Moved, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Side, both_ways, operations_of, work_names
from pytest_torchgraph.verdict.causes.repeating import ASKED, EACH, TRIVIAL, reads_twin, told_kinds, work_key
from pytest_torchgraph.words.counting import times


@both_ways
def hoisted(side: Side) -> Iterator[Claim]:
    """What stood in one of several modules stands around them, and the others do it no longer; or the reverse."""
    for moved in (change for change in side.seen.changes if isinstance(change, Moved)):
        inner, outer = (moved.after, moved.before) if side.more else (moved.before, moved.after)
        if inner.name == outer.name and _is_inside(inner.scope, outer.scope) and phase_of(moved) in ASKED:
            yield from _hoisted(side, moved, inner, outer.scope)


def _hoisted(side: Side, moved: Moved, inner: Site, around: ScopePath) -> Iterator[Claim]:
    others = [change for change in side.changes if _is_like(change, inner) and _is_inside(change.site.scope, around)]
    scopes = {change.site.scope for change in others} | {inner.scope}
    if not others or len(scopes) < 2:
        return
    rewired = [each for each in side.seen.altered if reads_twin(each) and _is_inside(each.after.scope, around)]
    what = f"{told_kinds(others)} ({times(operations_of(others), 'operation', '+d')})"
    modules, changes = times(len(scopes), "module"), (*others, moved, *rewired)
    if side.more:
        title = f"done in each of {modules} what was done once: {what}"
        yield Claim(Cause("repeated-work", EACH), "scope", title, changes, "more")
    else:
        title = f"done once what was done in each of {modules}: {what}"
        yield Claim(Cause("repeat-removed", ""), "scope", title, changes, "fewer")


def _is_inside(scope: ScopePath, around: ScopePath) -> bool:
    """Whether *scope* lies in the module of *around*, and is not that."""
    inside = f"{around.module}." if around.module else ""
    return scope.module != around.module and f"{scope.module}.".startswith(inside)


def _is_like(change: Come, other: Site) -> bool:
    """Whether a call of a module of the same class and name came or went, or an operation on the same values."""
    site = change.site
    if phase_of(change) not in ASKED:
        return False
    if isinstance(site.item, Block) and isinstance(other.item, Block):
        same = (site.item.class_name, site.item.name) == (other.item.class_name, other.item.name)
        return same and [*work_names(site)] == [*work_names(other)]
    is_same = isinstance(site.item, Work) and isinstance(other.item, Work) and change.again
    return is_same and work_key(site) == work_key(other) and packet_of(site.name) not in TRIVIAL
