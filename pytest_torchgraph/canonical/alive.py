"""What is alive at the peak, told in a few lines however deep the model is."""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.recorded.phase import FORWARD, PHASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.recorded.memory import Life
    from pytest_torchgraph.recorded.record import Record

LONGEST = 10
"""As many lines are told; the smallest values share the last."""
HELD = frozenset({"parameters", "buffers"})
"""Alive at every moment, and metrics of their own."""
WHOLE = {"gradients": "gradients", "optimizer state": "state"}
"""Categories that are told as one."""
WORDS = {"inputs": "input", "temporaries": "temporary"}
_PLACE = re.compile(rf"(?:({'|'.join(phase for phase in PHASES if phase != FORWARD)}) )?(?:(.+): )?(.*)", re.DOTALL)
_INNER = re.compile(rf"(?<=\.){INDEX.pattern}")
_WHAT = re.compile(r"(\w+) (.+) (\S+)", re.DOTALL)


class _Told:
    """A value that is what its text tells, so that a graph and its file hold the same.

    The text of a module that is called ``backward x`` reads like that of ``x`` in the backward pass.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True, slots=True, eq=False)
class Place(_Told):
    """An operation, or a value that was there before, by its ``name``, in a module and a phase."""

    name: str
    module: str = ""
    phase: str = FORWARD

    @classmethod
    def read(cls, text: str) -> Place:
        """The place that is told by *text*."""
        found = _PLACE.fullmatch(text)
        assert found is not None
        phase, module, name = found.groups()
        return cls(name, module or "", phase or FORWARD)

    def renamed(self, now: Callable[[str], str]) -> Place:
        """The same, where *now* gives the path that a module has; a value is named after the module that holds it."""
        if self.module:
            return replace(self, module=now(self.module))
        module, dot, name = self.name.rpartition(".")
        return replace(self, name=f"{now(module)}{dot}{name}") if dot else self

    def __str__(self) -> str:
        """``backward layers.3.mlp: mul``."""
        place = f"{self.module}: {self.name}" if self.module else self.name
        return place if self.phase == FORWARD else f"{self.phase} {place}"


@dataclass(frozen=True, slots=True, eq=False)
class What(_Told):
    """What values are: their category, what made them or is their name, and their dtype and sizes.

    What is told as a whole, such as all gradients, has nothing but its category.
    """

    category: str
    place: Place | None = None
    spec: str = ""

    @classmethod
    def read(cls, text: str) -> What:
        """The values that *text* tells of."""
        found = _WHAT.fullmatch(text)
        return cls(text) if found is None else cls(found[1], Place.read(found[2]), found[3])

    def __str__(self) -> str:
        """``saved layers.*.mlp: mul f32[2,16,64]``."""
        return self.category if self.place is None else f"{self.category} {self.place} {self.spec}"


OTHERS = What("others")


@dataclass(frozen=True, slots=True)
class Alive:
    """Storages that are alive at the peak and told as one: of one kind, made by one operation of like modules.

    ``bytes`` are those of all ``count`` together. ``made`` is the position of the operation that made the first of
    them, in a graph that was traced; a file does not hold it.
    """

    bytes: int
    count: int
    what: What
    made: int | None = field(default=None, compare=False)

    def renamed(self, now: Callable[[str], str]) -> Alive:
        """The same, where *now* gives the path that a module has."""
        place = self.what.place
        return self if place is None else replace(self, what=replace(self.what, place=place.renamed(now)))


def alive_at_peak(graph: Record) -> tuple[Alive, ...]:
    """What is alive at the peak beside parameters and buffers, the largest first; nothing for a graph from a file."""
    if graph.memory.lives is None:
        return ()
    groups: dict[str, tuple[What, list[Life]]] = {}
    for life in graph.memory.alive():
        if life.bytes and life.category not in HELD:
            what = what_of(graph, life)
            groups.setdefault(str(what), (what, []))[1].append(life)
    found = [
        Alive(sum(life.bytes for life in group), len(group), what, graph.storages[group[0].storage].producer)
        for what, group in groups.values()
    ]
    return shortened(sorted(found, key=lambda one: (-one.bytes, str(one.what))))


def shortened(found: list[Alive]) -> tuple[Alive, ...]:
    """*found* in at most ``LONGEST`` lines."""
    if len(found) <= LONGEST:
        return tuple(found)
    rest = found[LONGEST - 1 :]
    others = Alive(sum(one.bytes for one in rest), sum(one.count for one in rest), OTHERS)
    return (*found[: LONGEST - 1], others)


def what_of(graph: Record, life: Life) -> What:
    """What *life* is, with ``*`` for the positions of modules in lists."""
    if life.category in WHOLE:
        return What(WHOLE[life.category])
    storage = graph.storages[life.storage]
    word = WORDS.get(life.category, life.category)
    if storage.producer is None:
        return What(word, Place(INDEX.sub("*", storage.name or storage.kind)), storage.spec.text)
    return What(word, _of_like_modules(place_of(graph, storage.producer)), storage.spec.text)


def _of_like_modules(place: Place) -> Place:
    """*place* with ``*`` for positions in lists: not for that of the module itself, nor for the first in a phase.

    The rule is as old as the files that hold it.
    """
    numbers = INDEX if place.phase == FORWARD else _INNER
    module, dot, own = place.module.rpartition(".")
    return replace(place, module=f"{numbers.sub('*', module)}{dot}{own}")


def place_of(graph: Record, at: int) -> Place:
    """Where the operation at position *at* is at work."""
    operation = graph.operations[at]
    return Place(operation.packet.removeprefix("aten."), graph.scopes[operation.scope].path, operation.phase)


def place_of_peak(graph: Record) -> Place | None:
    """The operation at which the peak is first reached; ``None`` when the run starts at its peak."""
    at = graph.memory.peak_operation
    return None if at is None else place_of(graph, at)
