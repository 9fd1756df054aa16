"""Numbers that values are multiplied by, divided by, shifted or bounded with: scales, soft caps, epsilons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import Altered, Change
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    is_behind,
    is_work,
    module_of,
    named_places,
    numbers_of,
    packet,
)
from pytest_torchgraph.verdict.wording import shown_text
from pytest_torchgraph.words.counting import times

CAP = frozenset({"aten.tanh"})
SCALED = {
    "aten.mul": "multiplied by",
    "aten.mul_": "multiplied by",
    "aten.div": "divided by",
    "aten.div_": "divided by",
}
SCALING = frozenset(SCALED)
CAP_BEHIND = SCALING | {"aten.tanh_backward"}
Number: TypeAlias = "int | float"
HINT = "a scale, an epsilon, a bound: the same operations compute other values"


def scale(seen: Seen) -> Iterator[Claim]:
    """Operations that are given another number, those of one pair of numbers together."""
    by_numbers: dict[tuple[str, str], list[Altered]] = defaultdict(list)
    for change in seen.altered:
        numbers = None if change.after.beneath else numbers_of(change)
        if numbers:
            before, after = map(shown_text, numbers)
            by_numbers[before, after].append(change)
    for (before, after), changes in by_numbers.items():
        names = dict.fromkeys(packet_of(change.after.name) for change in changes)
        fields = dict.fromkeys(change.fields[0].name for change in changes)
        what = f"{', '.join(names)}: {', '.join(fields)}"
        title = f"{what} {before} -> {after} ({times(len(changes), 'operation')})"
        yield Claim(Cause("other-scale", HINT), "argument", title, tuple(changes))


@both_ways
def by_number(side: Side) -> Iterator[Claim]:
    """Products and quotients with a number that came or went, where nothing else did in their modules."""
    found: dict[tuple[str, Number], list[Come]] = defaultdict(list)
    for change in side.changes:
        number = _number_of(change)
        if number is not None and phase_of(change) == FORWARD:
            found[SCALED[packet(change)], number].append(change)
    alone = {id(change) for changes in found.values() for change in changes}
    busy = {
        module_of(change)
        for change in (*side.changes, *side.others)
        if phase_of(change) == FORWARD and id(change) not in alone
    }
    for (done, number), changes in found.items():
        forward = [change for change in changes if module_of(change) not in busy]
        if forward:
            modules = set(map(module_of, forward))
            behind = [each for each in side.changes if is_behind(each, modules, SCALED) and _number_of(each) == number]
            title = f"values are {done} {number}{'' if side.more else ' no longer'} in {named_places(forward)}"
            hint = "a scale that was not there" if side.more else "a scale that is gone"
            yield Claim(Cause("other-scale", hint), "operation", title, (*forward, *behind), "other")


def _number_of(change: Come) -> Number | None:
    """The number that one tensor is multiplied with or divided by."""
    item = change.site.item
    if not isinstance(item, Work) or not is_work(change) or packet(change) not in SCALED or len(change.site.reads) != 1:
        return None
    given = [argument for argument in item.arguments if type(argument) in (int, float)]
    return given[0] if len(given) == 1 else None  # type: ignore[return-value]


@both_ways
def soft_cap(side: Side) -> Iterator[Claim]:
    """``tanh(x / cap) * cap`` that came or went."""
    found = [part for change in side.changes if packet(change) in CAP for part in _capped(change, side.changes)]
    if not found:
        return
    count = sum(packet(change) in CAP for change in found)
    title = f"values are soft-capped{'' if side.more else ' no longer'}: tanh(x / cap) * cap ({times(count, 'place')})"
    modules = set(map(module_of, found))
    behind = [each for each in side.changes if is_behind(each, modules, CAP_BEHIND)]
    all_of_them: tuple[Change, ...] = (*found, *behind)
    yield Claim(Cause("other-scale", "a setting such as final_logit_softcapping"), "operation", title, all_of_them)


def _capped(tanh: Come, changes: Sequence[Come]) -> list[Come]:
    """*tanh* between the two operations that scale; nothing where they are not there."""
    beside = [change for change in changes if is_work(change) and change.site.scope == tanh.site.scope]
    before = [each for each in beside if packet(each) in SCALING and packet(each) == _read_of(tanh)]
    after = [each for each in beside if packet(each) in SCALING and _read_of(each) in CAP]
    return [tanh, before[0], after[0]] if before and after else []


def _read_of(change: Come) -> str:
    """The operation whose result *change* reads first."""
    return packet_of(change.site.reads[0].maker) if change.site.reads else ""
