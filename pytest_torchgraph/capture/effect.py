"""What an operation did beside its results: wrote to storages, launched nothing, needed a value on the host."""

from __future__ import annotations

from typing import Any

from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.recorded.kinds import CAST, COPIES, MASKABLE, MASKS, SYNCS
from pytest_torchgraph.recorded.operation import packet_of


def readings_in(value: Any) -> list[Raw]:
    """Every reading inside *value*, in order."""
    if isinstance(value, Raw):
        return [value]
    if isinstance(value, (list, tuple)):
        return [raw for part in value for raw in readings_in(part)]
    return []


def written_storages(overload: Overload, entry: Entry) -> tuple[int, ...]:
    """The storages whose contents the operation changed."""
    if not overload.may_write:
        return shared_storages(overload, entry)
    flag = overload.training_flag
    if flag is not None and len(entry.arguments) > flag and not entry.arguments[flag]:
        return ()
    positions = [entry.arguments[place] for place in overload.written_positions if place < len(entry.arguments)]
    if overload.moves_metadata:
        return ()
    keywords = [(entry.keywords or {}).get(name) for name in overload.written_keywords]
    return tuple(dict.fromkeys(raw[1] for raw in readings_in([positions, keywords])))


def shared_storages(overload: Overload, entry: Entry) -> tuple[int, ...]:
    """The storages that an operation returns although it was given them, without being declared to: it wrote to them.

    That is wrong for an operation that only returns another reading of what it was given.
    """
    if overload.is_view or not overload.argument_names:
        return ()
    made = readings_in(entry.results)
    given = {raw[1] for raw in readings_in([entry.arguments, list((entry.keywords or {}).values())])} if made else ()
    return tuple(dict.fromkeys(raw[1] for raw in made if raw[1] in given))


def launches_nothing(overload: Overload, entry: Entry, results: Any, writes: tuple[int, ...]) -> bool:
    """Whether the operation only made other readings of existing storages."""
    if overload.moves_metadata:
        return True
    made = readings_in(results)
    if writes or not made:
        return False
    known = {raw[1] for raw in readings_in([entry.arguments, list((entry.keywords or {}).values())])}
    if overload.name == "aten.empty.memory_format" and all(0 in raw[2] for raw in made):
        return True
    return all(raw[1] in known for raw in made)


def reads_on_host(overload: Overload, entry: Entry) -> bool:
    """Whether the value or the size of a result is needed on the host."""
    packet = packet_of(overload.name)
    if packet in MASKABLE:
        # Tagged as depending on data, which it does with a mask only.
        return any(dtype_name(raw) in MASKS for raw in readings_in(entry.arguments[1]))
    if packet == CAST or packet in COPIES:
        reads, made = readings_in(entry.arguments), readings_in(entry.results)
        return bool(reads and made) and reads[-1][6].type != "cpu" and made[0][6].type == "cpu"
    if (entry.keywords or {}).get("output_size") is not None:
        return False
    return overload.is_data_dependent or packet in SYNCS


def dtype_name(raw: Raw) -> str:
    """``bool`` for ``torch.bool``."""
    return str(raw[5]).removeprefix("torch.")
