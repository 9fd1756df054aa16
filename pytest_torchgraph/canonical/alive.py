"""What is alive at the peak, told in a few lines however deep the model is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.recorded.phase import FORWARD

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.memory import Life
    from pytest_torchgraph.recorded.record import Record

LONGEST = 10
"""As many lines are told; the smallest values share the last."""
OTHERS = "others"
HELD = frozenset({"parameters", "buffers"})
"""Alive at every moment, and metrics of their own."""
WHOLE = {"gradients": "gradients", "optimizer state": "state"}
"""Categories that are told as one."""
WORDS = {"inputs": "input", "temporaries": "temporary"}


@dataclass(frozen=True, slots=True)
class Alive:
    """Storages that are alive at the peak and told as one: of one kind, made by one operation of like modules.

    ``what`` is the text: ``saved layers.*.mlp: mul f32[2,16,64]``. ``bytes`` are those of all ``count`` together.
    ``made`` is the position of the operation that made the first of them, in a graph that was traced; a file does not
    hold it.
    """

    bytes: int
    count: int
    what: str
    made: int | None = field(default=None, compare=False)


def alive_at_peak(graph: Record) -> tuple[Alive, ...]:
    """What is alive at the peak beside parameters and buffers, the largest first; nothing for a graph from a file."""
    memory = graph.memory
    lives = [life for life in memory.lives or () if life.category not in HELD and life.alive(memory.peak_at)]
    groups: dict[str, list[Life]] = {}
    for life in lives:
        if life.bytes:
            groups.setdefault(what_of(graph, life), []).append(life)
    found = [
        Alive(
            sum(life.bytes for life in group),
            len(group),
            what,
            graph.storages[group[0].storage].producer,
        )
        for what, group in groups.items()
    ]
    return shortened(sorted(found, key=lambda one: (-one.bytes, one.what)))


def shortened(found: list[Alive]) -> tuple[Alive, ...]:
    """*found* in at most ``LONGEST`` lines."""
    if len(found) <= LONGEST:
        return tuple(found)
    rest = found[LONGEST - 1 :]
    others = Alive(sum(one.bytes for one in rest), sum(one.count for one in rest), OTHERS)
    return (*found[: LONGEST - 1], others)


def what_of(graph: Record, life: Life) -> str:
    """What *life* is, with ``*`` for the positions of modules in lists."""
    if life.category in WHOLE:
        return WHOLE[life.category]
    storage = graph.storages[life.storage]
    word = WORDS.get(life.category, life.category)
    spec = storage.spec.text
    if storage.producer is None:
        return f"{word} {INDEX.sub('*', storage.name or storage.kind)} {spec}"
    return f"{word} {INDEX.sub('*', place_of(graph, storage.producer))} {spec}"


def place_of(graph: Record, at: int) -> str:
    """Phase, scope and name of the operation at position *at*: ``backward layers.3.mlp: mul``."""
    operation = graph.operations[at]
    path = graph.scopes[operation.scope].path
    name = operation.packet.removeprefix("aten.")
    place = f"{path}: {name}" if path else name
    return place if operation.phase == FORWARD else f"{operation.phase} {place}"
