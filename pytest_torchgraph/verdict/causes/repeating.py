"""Work that is done more often than needed: on the same values again, in every layer, or for nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import Block
from pytest_torchgraph.diff.change import Added, Altered, Change, Moved, Removed, Site, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import BETWEEN, FORWARD
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    is_block,
    is_work,
    made,
    module_of,
    operations_of,
    work_names,
)
from pytest_torchgraph.verdict.finding import Kind
from pytest_torchgraph.words.counting import listed, times

TRIVIAL = frozenset(
    f"aten.{name}"
    for name in ("arange", "eye", "zeros", "ones", "full", "scalar_tensor", "empty", "new_zeros", "new_ones")
)
ASKED = (FORWARD, BETWEEN)
"""Phases whose operations are asked for by lines of the user's."""
NEWLY = "work that was not done is done repeatedly"
AGAIN = "keep the result of the first time and read that"


@both_ways
def again(side: Side) -> Iterator[Claim]:
    """Work on the same values as elsewhere in the same graph, which the model itself asks for twice.

    A derivative's formula may repeat work that nobody can take out of it: the backward pass is told with its forward
    work only.
    """
    twice = [change for change in side.changes if change.again and not change.site.beneath]
    asked = [change for change in twice if phase_of(change) in ASKED]
    names = {name for change in asked for name in work_names(change.site)}
    if not names - TRIVIAL:
        return
    modules = set(map(module_of, asked))
    found: list[Come] = [*asked, *(each for each in twice if each not in asked and module_of(each) in modules)]
    count = abs(operations_of(found))
    told = told_kinds(found)
    kind: Kind = "scope" if all(map(is_block, found)) else "operation"
    rewired = [change for change in side.seen.altered if reads_twin(change)]
    if side.more:
        left = any(change.left for change in found if isinstance(change, Added))
        moved = names & {name for change in side.others for name in work_names(change.site)}
        what = "the same work on the same values is done again"
        title = f"{what if left or moved else NEWLY}: {told} (+{times(count, 'operation')})"
        yield Claim(Cause("repeated-work", AGAIN), kind, title, (*found, *rewired), "more")
    else:
        left = all(change.left for change in found if isinstance(change, Removed))
        what = (
            "the same work on the same values is done less often" if left else "work that was done repeatedly is gone"
        )
        title = f"{what}: {told} (-{times(count, 'operation')})"
        yield Claim(Cause("repeat-removed", ""), kind, title, (*found, *rewired), "fewer")


def told_kinds(changes: Iterable[Change]) -> str:
    """Modules by class, then operations by name; at most four."""
    sites = [change.site for change in changes if isinstance(change, (Added, Removed))]
    classes = [site.item.class_name for site in sites if isinstance(site.item, Block)]
    names = [packet_of(site.name) for site in sites if not isinstance(site.item, Block)]
    distinct = list(dict.fromkeys([*classes, *names]))
    return listed(distinct, 4)


def reads_twin(change: Altered) -> bool:
    """Whether nothing differs but that operands are other values of the same spec: ``%cos``, ``%cos_1``."""
    pairs = [(field.before, field.after) for field in change.fields if field.kind == "operand"]
    return len(pairs) == len(change.fields) and all(
        isinstance(before, Value) and isinstance(after, Value) and before.spec == after.spec for before, after in pairs
    )


EACH = "the layers do the same work; do it once and pass the result on"


def in_each_module(seen: Seen) -> Iterator[Claim]:
    """Operations that were done once and are now done in each of several modules, or the other way round."""
    once = _once(seen.removed, seen)
    many = _many(seen.added)
    found = [change for key in many if key in once for change in many[key]]
    if found:
        modules = times(len({module_of(change) for change in found}), "module")
        count = times(len(found), "operation", "+d")
        title = f"done in each of {modules} what was done once: {told_kinds(found)} ({count})"
        gone = [change for key in many if key in once for change in once[key]]
        yield Claim(Cause("repeated-work", EACH), "operation", title, (*found, *gone))
    once, many = _once(seen.added, seen), _many(seen.removed)
    found = [change for key in many if key in once for change in many[key]]
    if found:
        title = f"done once what was done in each module: {told_kinds(found)} ({times(-len(found), 'operation', '+d')})"
        gone = [change for key in many if key in once for change in once[key]]
        yield Claim(Cause("repeat-removed", ""), "operation", title, (*found, *gone))


Key = tuple[str, "TensorSpec | None", tuple[str, ...]]


def work_key(site: Site) -> Key:
    """What is done and made, and what it is done with, by the names of that without numbers."""
    return packet_of(site.name), made(site), tuple(value.name.rstrip("_0123456789") for value in site.reads)


def _once(changes: list[Added] | list[Removed], seen: Seen) -> dict[Key, list[Change]]:
    """Operations that stand alone on one side, those that moved to where the others are counted in."""
    found: dict[Key, list[Change]] = defaultdict(list)
    for change in changes:
        if is_work(change) and not change.idle and phase_of(change) in ASKED:
            found[work_key(change.site)].append(change)
    for moved in seen.changes:
        if isinstance(moved, Moved) and moved.before.scope != moved.after.scope:
            found[work_key(moved.before)].append(moved)
    return {key: members for key, members in found.items() if len(members) == 1}


def _many(changes: list[Added] | list[Removed]) -> dict[Key, list[Change]]:
    """Operations that stand in several modules."""
    found: dict[Key, list[Change]] = defaultdict(list)
    for change in changes:
        if is_work(change) and packet_of(change.site.name) not in TRIVIAL and phase_of(change) in ASKED:
            found[work_key(change.site)].append(change)
    return {key: members for key, members in found.items() if len({module_of(each) for each in members}) > 1}


@both_ways
def idle(side: Side) -> Iterator[Claim]:
    """Work whose results nothing needs."""
    found: list[Come] = [change for change in side.changes if change.idle and not change.site.beneath]
    if not found:
        return
    count = times(sum(change.operations for change in found), "operation")
    told = told_kinds(found)
    if side.more:
        hint = "neither the caller nor any other operation reads the results; drop the work"
        title = f"work whose results nothing needs: {told} (+{count})"
        yield Claim(Cause("unused-result", hint), "operation", title, tuple(found), "more")
    else:
        title = f"work whose results nothing needed is gone: {told} (-{count})"
        yield Claim(Cause("unused-removed", ""), "operation", title, tuple(found), "fewer")
