"""Modules that are called in another order and on other values: a norm before the work or after it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pytest_torchgraph.canonical.program import Block, ModuleCall, Semantic
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import Added, Altered, Change, Moved, Site, Value
from pytest_torchgraph.diff.grouping import NUMBER, phase_of
from pytest_torchgraph.recorded.kinds import COPIES
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    distinct,
    is_work,
    made,
    module_of,
    named_places,
    packet,
)
from pytest_torchgraph.words.counting import listed, times

MOST = 6
"""Calls of a module up to which their whole order is told."""
HINT = "they hold what they held and are given other values"


def other_order(seen: Seen) -> Iterator[Claim]:
    """Calls of the same modules in another order, where they depend on each other, with what follows from that.

    Wrong where the work behind them in the backward pass was edited, too: that is told with them.
    """
    moved = [change for change in seen.changes if isinstance(change, Moved) and _is_call_in_place(change)]
    rewired = [change for change in seen.altered if phase_of(change) == FORWARD and _reads_others(change)]
    scopes = {change.after.scope for change in moved}
    scopes = {scope for scope in scopes if any(_lies_in(change, [scope]) for change in rewired)}
    found = [change for change in moved if change.after.scope in scopes]
    if not found:
        return
    leading = [change for change in rewired if _lies_in(change, scopes)]
    exchanged = _exchanged([change for change in seen.came_and_went if change.site.scope in scopes])
    behind = [change for change in seen.changes if phase_of(change) != FORWARD and _lies_in(change, scopes)]
    moves = [change for change in seen.changes if isinstance(change, Moved) and _lies_in(change, scopes)]
    changes = distinct((*found, *leading, *exchanged, *moves, *behind))
    more = f" (and in {times(len(scopes) - 1, 'more place')})" if len(scopes) > 1 else ""
    yield Claim(Cause("other-order", HINT), "scope", f"{_order_text(found)}{more}", changes)


def _is_call_in_place(change: Moved) -> bool:
    """Whether the module around calls what it called, in another order."""
    if not isinstance(change.after.item, ModuleCall) or phase_of(change) != FORWARD:
        return False
    before, after = _calls(change.before), _calls(change.after)
    return change.before.scope == change.after.scope and before != after and Counter(before) == Counter(after)


def is_rewired(change: Altered) -> bool:
    """Whether nothing differs but which values are read."""
    return all(field.kind in ("operand", "geometry", "part") for field in change.fields)


def _reads_others(change: Altered) -> bool:
    """Whether nothing differs but which values are read, and one is another: none that is only read otherwise."""
    pairs = ((field.before, field.after) for field in change.fields)
    return is_rewired(change) and any(
        before.name != after.name if isinstance(before, Value) and isinstance(after, Value) else before != after
        for before, after in pairs
    )


def _lies_in(change: Change, scopes: Iterable[ScopePath]) -> bool:
    """Whether *change* is in one of the modules of *scopes*, or inside one."""
    inside = tuple(f"{scope.module}." if scope.module else "" for scope in scopes)
    return f"{module_of(change)}.".startswith(inside)


def _exchanged(changes: Iterable[Come]) -> list[Come]:
    """The operations of which as many came as went."""
    works = [change for change in changes if is_work(change)]
    net: Counter[str] = Counter()
    for change in works:
        net[packet(change)] += change.operations if type(change).__name__ == "Added" else -change.operations
    return [change for change in works if not net[packet(change)]]


def _order_text(moved: list[Moved]) -> str:
    before, after = (_calls(site) for site in (moved[0].before, moved[0].after))
    first = moved[0].after.scope
    if max(map(len, (before, after))) <= MOST:
        return f"modules are called in another order: {', '.join(after)}; was {', '.join(before)}"
    names = [change.after.name for change in moved if change.after.scope == first]
    return f"modules are called elsewhere in the order: {listed([*dict.fromkeys(names)], MOST)}"


def _calls(site: Site) -> list[str]:
    body = site.body
    items = body.items if isinstance(body, (Block, Semantic)) else ()
    return [item.name for item in items if isinstance(item, ModuleCall)]


ADDS = frozenset({"aten.add", "aten.add_"})
SUMMED = "the gradients of one value are added up in another order; their last digits may differ"


def summed_otherwise(seen: Seen) -> Iterator[Claim]:
    """As many additions of gradients as before in each layer, of others: those of one value in another order.

    Copies that came or went in the layer have no part in that.

    Wrong where an edit of backward formulas takes away one sum and brings another of the same size to the layer.
    """
    layers: dict[str, list[Come]] = defaultdict(list)
    for change in seen.came_and_went:
        if packet(change) not in COPIES:
            layers[_layer_of(change)].append(change)
    found = [change for changes in layers.values() if _are_sums_of_gradients(changes) for change in changes]
    if not found:
        return
    modules = set(map(_layer_of, found))
    beside = [
        change
        for change in seen.altered
        if phase_of(change) == BACKWARD and is_rewired(change) and _layer_of(change) in modules
    ]
    count = times(sum(isinstance(change, Added) for change in found), "sum")
    title = f"gradients are added up in another order: {count} in {named_places(found)}"
    yield Claim(Cause("reordered", SUMMED), "order", title, (*found, *beside), idle=True)


def _layer_of(change: Change) -> str:
    """The last number in the path of the module that *change* is in: its list may have another name than before."""
    return next(iter(NUMBER.findall(module_of(change))[::-1]), "")


def _are_sums_of_gradients(changes: Sequence[Come]) -> bool:
    """Whether nothing came or went but additions in the backward pass, as many of each size."""
    net: Counter[object] = Counter()
    for change in changes:
        if not is_work(change) or packet(change) not in ADDS or phase_of(change) != BACKWARD:
            return False
        spec = made(change.site)
        net[spec and (spec.shape, spec.dtype)] += 1 if isinstance(change, Added) else -1
    return bool(changes) and not any(net.values())
