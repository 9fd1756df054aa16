"""In place or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pytest_torchgraph.diff.change import Altered
from pytest_torchgraph.diff.keys import out_of_place
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, bytes_of, made, module_of, packet
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times


def in_place_or_not(seen: Seen) -> Iterator[Claim]:
    """Operations that wrote over what they read and make something new, or the other way round."""
    swapped: dict[bool, list[Altered]] = defaultdict(list)
    for change in seen.altered:
        before, after = packet_of(change.before.name), packet_of(change.after.name)
        reads_others = any(field.kind in ("operand", "leaf") for field in change.fields)
        same = before != after and out_of_place(before) == out_of_place(after)
        if same and not reads_others and not change.after.beneath:
            swapped[before.endswith("_")].append(change)
    for was_in_place, changes in swapped.items():
        modules = set(map(module_of, changes))
        others = seen.added if was_in_place else seen.removed
        scattered = [each for each in others if packet(each) in SCATTERS and module_of(each) in modules]
        yield _claim(changes, scattered, was_in_place=was_in_place)


SCATTERS = frozenset(f"aten.{name}_scatter" for name in ("slice", "select", "diagonal", "as_strided"))
"""What writing into a part of a tensor becomes out of place: a whole tensor that is new."""


def _claim(changes: list[Altered], scattered: list[Come], *, was_in_place: bool) -> Claim:
    swaps = dict.fromkeys(f"{packet_of(each.before.name)} -> {packet_of(each.after.name)}" for each in changes)
    title = f"{times(len(changes), 'operation')} swapped: {', '.join(swaps)}"
    all_changes = (*changes, *scattered)
    if was_in_place:
        size = max(bytes_of(made(change.after)) for change in changes)
        each = f" of {bytes_text(size)}" if size else ""
        hint = f"the result is new memory{each}; it was written over what is read (inplace=True, mul_)"
        return Claim(Cause("out-of-place", hint), "operation", title, all_changes)
    return Claim(Cause("in-place", "the result is written over what is read"), "operation", title, all_changes)
