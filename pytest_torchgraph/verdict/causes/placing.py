"""In place or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from pytest_torchgraph.diff.change import Added, Altered, Removed, Site
from pytest_torchgraph.diff.keys import out_of_place
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, bytes_of, is_work, made, module_of, packet, read
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times


def in_place_or_not(seen: Seen) -> Iterator[Claim]:
    """Operations that wrote over what they read and make something new, or the other way round."""
    swapped: dict[bool, list[Swap]] = defaultdict(list)
    for change in seen.altered:
        before, after = packet_of(change.before.name), packet_of(change.after.name)
        reads_others = any(field.kind in ("operand", "leaf", "argument") for field in change.fields)
        same = before != after and out_of_place(before) == out_of_place(after)
        if same and not reads_others and not change.after.beneath:
            swapped[before.endswith("_")].append((change,))
    for pair in _exchanged(seen):
        swapped[packet(pair[0]).endswith("_")].append(pair)
    for was_in_place, swaps in swapped.items():
        modules = {module_of(change) for swap in swaps for change in swap}
        others = seen.added if was_in_place else seen.removed
        scattered = [each for each in others if packet(each) in SCATTERS and module_of(each) in modules]
        yield _claim(swaps, scattered, was_in_place=was_in_place)


Swap: TypeAlias = "tuple[Altered] | tuple[Removed, Added]"
"""One operation that was altered, or one that went with the one that came in its place."""


def _exchanged(seen: Seen) -> Iterator[tuple[Removed, Added]]:
    """What went with what does the same in the same module, one of them in place."""
    left = list(seen.added)
    for went in seen.removed:
        for came in left:
            if _does_the_same(went, came):
                left.remove(came)
                yield went, came
                break


def _does_the_same(went: Removed, came: Added) -> bool:
    if not (is_work(went) and is_work(came)) or packet(went).endswith("_") is packet(came).endswith("_"):
        return False
    alike = out_of_place(packet(went)) == out_of_place(packet(came)) and module_of(went) == module_of(came)
    return alike and _shape(went) == _shape(came) is not None


def _shape(change: Come) -> tuple[int, ...] | None:
    spec = made(change.site) or read(change.site)
    return spec.shape if spec else None


SCATTERS = frozenset(f"aten.{name}_scatter" for name in ("slice", "select", "diagonal", "as_strided"))
"""What writing into a part of a tensor becomes out of place: a whole tensor that is new."""


def _sites(swap: Swap) -> tuple[Site, Site]:
    """The operation before, and the one after."""
    first, last = swap[0], swap[-1]
    return first.before if isinstance(first, Altered) else first.site, last.after if isinstance(
        last, Altered
    ) else last.site


def _claim(swaps: list[Swap], scattered: list[Come], *, was_in_place: bool) -> Claim:
    sites = list(map(_sites, swaps))
    names = dict.fromkeys(f"{packet_of(before.name)} -> {packet_of(after.name)}" for before, after in sites)
    title = f"{times(len(swaps), 'operation')} swapped: {', '.join(names)}"
    all_changes = (*(change for swap in swaps for change in reversed(swap)), *scattered)
    if was_in_place:
        size = max(bytes_of(made(after)) for _, after in sites)
        each = f" of {bytes_text(size)}" if size else ""
        hint = f"the result is new memory{each}; it was written over what it reads (inplace=True)"
        return Claim(Cause("out-of-place", hint), "operation", title, all_changes)
    return Claim(Cause("in-place", "the result is written over what is read"), "operation", title, all_changes)
