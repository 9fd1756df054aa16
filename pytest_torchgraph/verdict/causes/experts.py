"""Experts: one after the other, each a product of its own, or all in one grouped product."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_torchgraph.diff.change import Added, Altered, Change, Moved, Removed
from pytest_torchgraph.diff.grouping import NUMBER, phase_of
from pytest_torchgraph.recorded.kinds import MATMULS
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Side,
    both_ways,
    distinct,
    module_of,
    packet,
    work_names,
)
from pytest_torchgraph.words.counting import times

GROUPED = frozenset({"aten._grouped_mm", "aten._scaled_grouped_mm"})
LOOPED = "a product for each expert: small kernels, and the host decides which run"
ONE = "one product for all experts"


@both_ways
def experts(side: Side) -> Iterator[Claim]:
    """Grouped products came where single ones went in the same modules, or the other way round."""
    found = [change for change in side.changes if packet(change) in GROUPED and phase_of(change) == FORWARD]
    parts = [change for change in side.others if _multiplies(change) and _is_near(change, found)]
    count = sum(name in MATMULS for change in parts for name in work_names(change.site))
    if not found or count <= len(found):
        return
    name = packet(found[0])
    modules = {module_of(each) for each in found} | {_holder(each) for each in parts}
    changes: tuple[Change, ...] = distinct((*found, *parts, *(c for c in side.seen.changes if _inside(c, modules))))
    many = times(count, "single product")
    if side.more:
        title = f"experts run by {name} ({times(len(found), 'operation')}) instead of {many}"
        yield Claim(Cause("experts-grouped", ONE), "operation", title, changes)
    else:
        title = f"experts run one after the other: {many} instead of {name} ({times(len(found), 'operation')})"
        yield Claim(Cause("experts-looped", LOOPED), "operation", title, changes)


def _holder(change: Come) -> str:
    """Path of the module that holds the experts, of which *change* is a part."""
    return NUMBERED.sub("", module_of(change))


NUMBERED = re.compile(r"(\.\w+)?\.\d+(\.\w+)?$")
"""``.experts.3`` and what is in it."""


def _multiplies(change: Come) -> bool:
    return phase_of(change) == FORWARD and any(name in MATMULS - GROUPED for name in work_names(change.site))


def _is_near(change: Come, found: Sequence[Come]) -> bool:
    """Whether it stands in the module of one of *found*, or beside it."""
    around = {_parent(_parent(NUMBER.sub("*", module_of(each)))) for each in found}
    module = f"{NUMBER.sub('*', module_of(change))}."
    return any(not path or module.startswith(f"{path}.") for path in around)


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _inside(change: Change, modules: set[str]) -> bool:
    """Whether it is work of one of *modules*, or of the list of experts in it."""
    path = module_of(change)
    is_work = isinstance(change, (Added, Removed, Altered, Moved))
    return is_work and (path in modules or _parent(path) in modules or _parent(_parent(path)) in modules)
