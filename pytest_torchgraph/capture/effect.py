"""What an operation did beside its results: wrote to storages, launched nothing, needed a value on the host."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.recorded.kinds import MASKABLE, MASKS, MOVES, SYNCS
from pytest_torchgraph.recorded.operation import packet_of

EMPTY = "aten.empty.memory_format"


def readings_in(value: Any) -> list[Raw]:
    """Every reading inside *value*, in order."""
    found: list[Raw] = []
    _gather(value, found)
    return found


def operands_of(entry: Entry) -> list[Raw]:
    """Every reading that the operation was given, in order."""
    found: list[Raw] = []
    _gather(entry.arguments, found)
    if entry.keywords:
        _gather(list(entry.keywords.values()), found)
    return found


def _gather(value: Any, found: list[Raw]) -> None:
    # The type is tested first: `isinstance` costs twice as much.
    kind = type(value)
    if kind is Raw:
        found.append(value)
    elif kind is list or kind is tuple or isinstance(value, (list, tuple)):
        for part in value:
            _gather(part, found)


class Effect(NamedTuple):
    """What an operation did beside its results: the storages whose contents it changed; that it launched nothing."""

    writes: tuple[int, ...]
    is_view: bool


NO_EFFECT = Effect((), is_view=False)
A_VIEW = Effect((), is_view=True)


def effect_of(entry: Entry) -> Effect:
    """What the operation did beside its results."""
    overload = entry.overload
    if type(entry.results) is Raw and not (overload.may_write or overload.moves_metadata):
        return _effect_of_one(entry, entry.results)
    if overload.may_write:
        writes = written_storages(entry)
        return Effect(writes, overload.moves_metadata or _launches_nothing(entry, writes, readings_in(entry.results)))
    made = readings_in(entry.results)
    given = {raw[1] for raw in operands_of(entry)} if made else set()
    writes = _shared(overload, made, given)
    return Effect(writes, overload.moves_metadata or _launches_nothing(entry, writes, made, given))


def _effect_of_one(entry: Entry, made: Raw) -> Effect:
    """The effect of what declares no write and returns one tensor, as most operations do."""
    overload = entry.overload
    if holds_storage(entry.arguments, made[1]) or (
        entry.keywords and holds_storage(list(entry.keywords.values()), made[1])
    ):
        return A_VIEW if overload.is_view or not overload.argument_names else Effect((made[1],), is_view=False)
    return A_VIEW if overload.name == EMPTY and 0 in made.shape else NO_EFFECT


def holds_storage(values: list[Any] | tuple[Any, ...], storage: int) -> bool:
    """Whether a reading among *values*, nested ones included, is of *storage*."""
    for value in values:
        kind = type(value)
        if kind is Raw:
            if value[1] == storage:
                return True
        elif (kind is tuple or kind is list or isinstance(value, (list, tuple))) and holds_storage(value, storage):
            return True
    return False


def written_storages(entry: Entry) -> tuple[int, ...]:
    """The storages whose contents the operation changed."""
    overload = entry.overload
    if not overload.may_write:
        made = readings_in(entry.results)
        return _shared(overload, made, {raw.storage for raw in operands_of(entry)}) if made else ()
    flag = overload.training_flag
    if flag is not None and len(entry.arguments) > flag and not entry.arguments[flag]:
        return ()
    positions = [entry.arguments[place] for place in overload.written_positions if place < len(entry.arguments)]
    if overload.moves_metadata:
        return ()
    keywords = [(entry.keywords or {}).get(name) for name in overload.written_keywords]
    return tuple(dict.fromkeys(raw.storage for raw in readings_in([positions, keywords])))


def _shared(overload: Overload, made: list[Raw], given: set[int]) -> tuple[int, ...]:
    """The storages that an operation returns although it was given them, without being declared to: it wrote to them.

    That is wrong for an operation that only returns another reading of what it was given.
    """
    if overload.is_view or not overload.argument_names:
        return ()
    return tuple(dict.fromkeys([raw.storage for raw in made if raw.storage in given]))


def _launches_nothing(entry: Entry, writes: tuple[int, ...], made: list[Raw], given: set[int] | None = None) -> bool:
    """Whether the operation only made other readings of existing storages."""
    if writes or not made:
        return False
    if entry.overload.name == EMPTY and all(0 in raw.shape for raw in made):
        return True
    known = {raw.storage for raw in operands_of(entry)} if given is None else given
    return all(raw.storage in known for raw in made)


@lru_cache(maxsize=1 << 12)
def may_read_on_host(name: str) -> bool:
    """Whether the operation *name* makes the host wait in some of its calls, as far as its name tells."""
    packet = packet_of(name)
    return packet in MASKABLE or packet in MOVES or packet in SYNCS


def reads_on_host(entry: Entry) -> bool:
    """Whether the value or the size of a result is needed on the host."""
    overload = entry.overload
    if not (overload.is_data_dependent or may_read_on_host(overload.name)):
        return False
    packet = packet_of(overload.name)
    if packet in MASKABLE:
        # Tagged as depending on data, which it does with a mask only.
        return any(dtype_name(raw) in MASKS for raw in readings_in(entry.arguments[1]))
    if packet in MOVES:
        reads, made = readings_in(entry.arguments), readings_in(entry.results)
        return bool(reads and made) and reads[-1].device.type != "cpu" and made[0].device.type == "cpu"
    if (entry.keywords or {}).get("output_size") is not None:
        return False
    return overload.is_data_dependent or packet in SYNCS


def dtype_name(raw: Raw) -> str:
    """``bool`` for ``torch.bool``."""
    return str(raw.dtype).removeprefix("torch.")
