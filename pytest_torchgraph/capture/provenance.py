"""Where values come from that the host reads: what lies on the host anyway is read without waiting for a device.

Where everything runs on a CPU, no device tells them apart, so their origin has to: a value that derives from a
parameter, a buffer, an input or anything that a module made would lie on the device. On the host lie what code outside
of every module call made of such values alone (the seed of a loader), and zero-dimensional state that an optimizer
keeps there whatever its parameters' device.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from pytest_torchgraph.capture.attribution import Link
from pytest_torchgraph.capture.effect import operands_of, readings_in, written_storages
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.tensor import FirstSight, Raw
from pytest_torchgraph.recorded.phase import FORWARD

LITERAL = "aten.lift_fresh.default"


class Provenance:
    """Tells which of the operations *asked* for read nothing but what lies on the host anyway: ``on_host``."""

    def __init__(
        self,
        log: Sequence[Entry],
        links: Sequence[Link],
        sights: Sequence[FirstSight],
        asked: Sequence[int],
        *,
        root: bool,
    ) -> None:
        self.sights = sights
        in_module = [in_a_module(entry, link, root=root) for entry, link in zip(log, links, strict=True)]
        self._derived = {index for index, sight in enumerate(sights) if derives(sight)}
        outside = (entry for entry, inside in zip(log, in_module, strict=True) if not inside)
        self._has_literals = any(entry.overload.name == LITERAL for entry in outside)
        self._met: set[int] = set()
        for entry, inside in zip(log, in_module, strict=True):
            if inside:
                self._derived.update([raw[1] for raw in operands_of(entry)])
        followed = range(max(asked, default=-1) + 1) if self._has_literals else leading_to(asked, log, in_module)
        derived = {index for index in followed if self._follow(log[index], inside=in_module[index])}
        self.on_host = frozenset(asked) - derived

    def _follow(self, entry: Entry, *, inside: bool) -> bool:
        """Take in what *entry* makes; whether it reads what derives from the device."""
        read = frozenset() if inside and not self._has_literals else storages_read(entry)
        if self._has_literals:
            self._meet(entry, read, inside=inside)
        derived = inside or not self._derived.isdisjoint(read)
        if derived:
            self._derived.update([raw.storage for raw in readings_in(entry.results)])
            if entry.overload.may_write:
                self._derived.update(written_storages(entry))
        return derived

    def _meet(self, entry: Entry, read: AbstractSet[int], *, inside: bool) -> None:
        """Note what *entry* is the first to see; a literal that code outside of every module wrote is on the host."""
        if entry.overload.name == LITERAL:
            self._derived -= {one for one in read - self._met if self.sights[one].kind == "constant" and not inside}
        self._met |= read | {raw.storage for raw in readings_in(entry.results)}


def leading_to(asked: Sequence[int], log: Sequence[Entry], in_module: Sequence[bool]) -> list[int]:
    """The operations *asked* for and those that what they read may come from, in order.

    What an operation in a module was given need not be followed: it makes what lies on the device in any case.
    """
    wanted: set[int] = set()
    waiting = set(asked)
    found: list[int] = []
    for index in range(max(asked, default=-1), -1, -1):
        if index in waiting or (wanted and makes_any(log[index], wanted)):
            found.append(index)
            if not in_module[index]:
                wanted |= storages_read(log[index])
    return found[::-1]


def makes_any(entry: Entry, storages: AbstractSet[int]) -> bool:
    """Whether an operation returns one of *storages*, or may write to one."""
    results = entry[3]
    if type(results) is Raw:
        if results[1] in storages or not entry[0].may_write:
            return results[1] in storages
    elif not storages.isdisjoint([raw[1] for raw in readings_in(results)]):
        return True
    return entry.overload.may_write and not storages.isdisjoint([raw[1] for raw in operands_of(entry)])


def derives(sight: FirstSight) -> bool:
    """Whether what was there before, or has a role in training, is taken to lie on the device."""
    if sight.on_host:
        return False
    return sight.kind != "result" or sight.role is not None


def storages_read(entry: Entry) -> set[int]:
    """The storages of all that an operation was given."""
    return {raw[1] for raw in operands_of(entry)}


def in_a_module(entry: Entry, link: Link, *, root: bool) -> bool:
    """Whether an operation ran in a module call; *root* says that the callable itself is a module."""
    return entry.scope > 0 or (root and link.phase == FORWARD)
