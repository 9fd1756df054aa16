"""The note on what recorded a snapshot: the `recorded` line of a file, written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.recorded.origin import UNKNOWN, Recorder

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.origin import Origin

NOT_COMPARED = " (not compared)"
SEPARATOR = ", "
CPU = "cpu"
FLOPS = "flops"
RANK = "rank"
SYSTEMS = frozenset({"linux", "darwin", "windows"})


def recorded_line(graph: Graph) -> str:
    """``torch 2.13.0, python 3.11, linux x86_64, cpu avx512_vnni, rank 0 of 8, flops 1310720 (not compared)``."""
    return SEPARATOR.join((*_recorder_texts(graph.origin), f"{FLOPS} {graph.flops}")) + NOT_COMPARED


def recorder_line(origin: Origin) -> str:
    """The same without the FLOPs, for which a graph has to be worked out."""
    return SEPARATOR.join(_recorder_texts(origin)) + NOT_COMPARED


def _recorder_texts(origin: Origin) -> list[str]:
    python = ".".join(origin.python.split(".")[:2])
    libraries = [f"{name} {version}" for name, version in origin.libraries]
    machine = [f"{origin.system} {origin.architecture}", *([f"{CPU} {origin.processor}"] if origin.processor else [])]
    ranks = [f"{RANK} {origin.rank} of {origin.world_size}"] if origin.world_size > 1 else []
    return [f"torch {origin.torch}", f"python {python}", *libraries, *machine, *ranks]


def flops_in(recorded: str) -> int | None:
    """The FLOPs that the note *recorded* tells; ``None`` where it tells none, or only how many there are at least."""
    told = _texts(recorded).get(FLOPS, "")
    return int(told) if told.isascii() and told.isdecimal() else None


def recorded_parts(recorded: str) -> dict[str, str]:
    """Version by name; ``system`` holds the machine, whose line names no library."""
    found = _texts(recorded)
    found.pop(FLOPS, None)
    for name in SYSTEMS & set(found):
        found["system"] = f"{name} {found.pop(name)}"
    return found


def _texts(recorded: str) -> dict[str, str]:
    parts = recorded.removesuffix(NOT_COMPARED).split(SEPARATOR)
    return {name: text for name, _, text in (part.partition(" ") for part in parts)}


def recorder_of(recorded: str) -> Recorder:
    """What the note *recorded* says of whoever recorded it."""
    parts = recorded_parts(recorded)
    system, _, architecture = parts.pop("system", "").partition(" ")
    rank, _, size = parts.pop(RANK, "").partition(" of ")
    return Recorder(
        rank=int(rank) if rank.isdecimal() else 0,
        world_size=int(size) if size.isdecimal() else 1,
        processor=parts.pop(CPU, ""),
        torch=parts.pop("torch", "") or UNKNOWN,
        python=parts.pop("python", "") or UNKNOWN,
        libraries=tuple(parts.items()),
        system=system or UNKNOWN,
        architecture=architecture or UNKNOWN,
    )
