"""Operations that bring a parameter of their own into a layer, or take it out: a learned scale, gate or position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pytest_torchgraph.diff.change import Change, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Side,
    both_ways,
    bytes_of,
    is_behind,
    is_work,
    module_of,
    packet,
    reads_leaf,
)
from pytest_torchgraph.verdict.places import places_text

BEHIND: Mapping[str, frozenset[str]] = {
    "aten.mul": frozenset({"aten.mul", "aten.sum"}),
    "aten.add": frozenset({"aten.sum"}),
}
"""What the backward pass of an operation with a parameter of its own does, by that operation."""
DONE: Mapping[str, tuple[str, str]] = {
    "aten.mul": ("multiplied in", "values are multiplied by it: a learned scale or gate"),
    "aten.add": ("added", "it is added to the values: a learned position or shift"),
}


@both_ways
def applied(side: Side) -> Iterator[Claim]:
    """Products and sums with a parameter that only one of the two models holds, and nothing in the place of it."""
    found: dict[str, list[tuple[Come, Value]]] = defaultdict(list)
    for change in side.changes:
        own = _own_parameter(change)
        if own is not None:
            found[packet(change)].append((change, own))
    taken = {module_of(change) for change in side.others if reads_leaf(change.site)}
    for name, applications in found.items():
        apart = [(change, own) for change, own in applications if module_of(change) not in taken]
        if apart and _is_all_that_is_held(side, apart):
            yield _claim(side, name, apart)


def _own_parameter(change: Come) -> Value | None:
    """The one parameter or buffer among what a product or sum of the forward pass reads."""
    if not is_work(change) or packet(change) not in DONE or phase_of(change) != FORWARD:
        return None
    held = [value for value in change.site.reads if value.path]
    return held[0] if len(held) == 1 and len(change.site.reads) > 1 else None


def _is_all_that_is_held(side: Side, applications: list[tuple[Come, Value]]) -> bool:
    """Whether the models differ by just the bytes of these parameters: no other name was read in their place."""
    before, after = side.seen.difference.metric("parameters")
    sizes = {own.path: bytes_of(own.made or own.spec) for _, own in applications}
    if before is None or after is None or not all(sizes.values()):
        return False
    return (after - before if side.more else before - after) >= sum(sizes.values())


def _claim(side: Side, name: str, applications: list[tuple[Come, Value]]) -> Claim:
    forward = [change for change, _ in applications]
    modules = set(map(module_of, forward))
    behind = [change for change in side.changes if is_behind(change, modules, BEHIND[name])]
    what, hint = DONE[name]
    paths = places_text(own.path for _, own in applications)
    title = f"{paths} is {'' if side.more else 'no longer '}{what}"
    title = f"{title}: {len(forward) if side.more else -len(forward):+d} {packet_of(name)} in the forward pass"
    cause = Cause("parameter-applied", hint) if side.more else Cause("parameter-not-applied", "")
    changes: tuple[Change, ...] = (*forward, *behind)
    return Claim(cause, "operation", title, changes, "more" if side.more else "fewer")
