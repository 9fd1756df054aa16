"""Parameters for which an optimizer does the same, found in the log of a step that goes from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.ownership import owner_of
from pytest_torchgraph.capture.attribution import Link
from pytest_torchgraph.capture.effect import operands_of, readings_in
from pytest_torchgraph.capture.graph import Run
from pytest_torchgraph.capture.likeness import Likeness, same_first_reading
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import OPTIMIZER, Phase
from pytest_torchgraph.recorded.tensor import NAMED_KINDS


@dataclass(frozen=True, slots=True)
class FoundAlike:
    """What one step does for some parameters as for another: ``like`` names that one for each of them.

    ``operations`` and ``storages`` give for what belongs to them what stands for it.
    """

    within: range
    like: dict[str, str]
    operations: dict[int, int]
    storages: dict[int, int]


def alike_in(run: Run, links: list[Link], phases: Iterable[Phase]) -> list[FoundAlike]:
    """The steps of *run* that do the same for several parameters, one after the other."""
    steps = [phase for phase in phases if phase.name == OPTIMIZER and not phase.scope]
    is_plain = not (run.compiled or run.hollow or (run.weights and run.weights.known))
    if not (steps and is_plain) or any(sight.resized for sight in run.identity.sights):
        return []
    found = (Turns(run, phase).found() for phase in steps if all_in_root(links[slice(*phase.operations)]))
    return [each for each in found if each is not None and each.like]


def all_in_root(links: Iterable[Link]) -> bool:
    """Whether no module is called in a step."""
    return not any(link.scope or link.forward is not None or link.node is not None for link in links)


class Turns:
    """The operations of one step by the parameter that they are done for."""

    def __init__(self, run: Run, phase: Phase) -> None:
        self.run = run
        self.within = range(*phase.operations)
        self.sights = run.identity.sights
        self.owners = dict(self._named())
        """The parameter that a storage belongs to and what it is to it: ``""`` for what is made on the way."""

    def _named(self) -> Iterator[tuple[int, tuple[str, str]]]:
        parameters = frozenset(sight.name for sight in self.sights if sight.kind == "parameter" and sight.name)
        for storage, sight in enumerate(self.sights):
            if sight.kind in NAMED_KINDS or sight.role is not None:
                owner = owner_of(sight.name or "", parameters)
                if owner is not None:
                    yield storage, owner

    def found(self) -> FoundAlike | None:
        """What is alike; ``None`` where some operation is not done for one parameter alone."""
        turns: dict[str, list[int]] = {}
        for at in self.within:
            owner = self._owner(self.run.log[at])
            if owner is None:
                return None
            turns.setdefault(owner, []).append(at)
        return None if self._is_read_later() else self._alike(turns)

    def _owner(self, entry: Entry) -> str | None:
        """The only parameter that an operation reads or writes anything of, and makes something for."""
        if entry.running is not None or entry.call is not None or entry.overload.communicates:
            return None
        storages = [raw[1] for raw in readings_of(entry)]
        told = [self.owners.get(storage) for storage in storages]
        known = {one[0] for one in told if one is not None}
        if len(known) != 1:
            return None
        (owner,) = known
        if None in told:
            others = [storage for storage, one in zip(storages, told, strict=True) if one is None]
            if not all(map(self._is_made, others)):
                return None
            self.owners.update(dict.fromkeys(others, (owner, "")))
        return owner

    def _is_made(self, storage: int) -> bool:
        """Whether a storage without a name was made in the step."""
        sight = self.sights[storage]
        return sight.kind == "result" and sight.role is None and sight.born in self.within

    def _is_read_later(self) -> bool:
        """Whether anything that was made on the way is read after the step, or handed out."""
        made = {storage for storage, (_, key) in self.owners.items() if not key}
        read = (raw for entry in self.run.log[self.within.stop :] for raw in readings_of(entry))
        return any(raw[1] in made for raw in read) or any(raw[1] in made for _, raw in self.run.outputs)

    def _alike(self, turns: dict[str, list[int]]) -> FoundAlike:
        found = FoundAlike(self.within, {}, {}, {})
        firsts: dict[tuple[int, ...], list[str]] = {}
        for owner, turn in turns.items():
            candidates = firsts.setdefault(tuple(id(self.run.log[at][0]) for at in turn), [])
            for first in candidates:
                pair = TurnPair(self, turns[first], turn)
                if pair.is_alike():
                    found.like[owner] = first
                    found.operations.update(zip(turn, turns[first], strict=True))
                    found.storages.update(pair.made())
                    break
            else:
                candidates.append(owner)
        return found


class TurnPair(Likeness):
    """What is done for two parameters, by the same overloads."""

    def __init__(self, turns: Turns, one: list[int], other: list[int]) -> None:
        super().__init__()
        self.turns = turns
        self.one = one
        self.other = other

    def is_alike(self) -> bool:
        """Whether the same is done for both, to what is the same to each."""
        log = self.turns.run.log
        for at, later in zip(self.one, self.other, strict=True):
            if at > later or not self.does_same(log[at], log[later]):
                return False
        return all(self._answers_to(one, other) for one, other in self.told.items())

    def _answers_to(self, one: int, other: int) -> bool:
        sight, like = self.turns.sights[one], self.turns.sights[other]
        told, answer = self.turns.owners[one], self.turns.owners[other]
        if told[1] != answer[1] or (not told[1] and one > other):
            return False
        same_kind = (sight.kind, sight.role, sight.bytes) == (like.kind, like.role, like.bytes)
        return same_kind and same_first_reading(sight, like)

    def made(self) -> Iterator[tuple[int, int]]:
        """Each storage that was made on the way for the second parameter, with the one that stands for it."""
        for one, other in self.told.items():
            if not self.turns.owners[one][1]:
                yield other, one


def readings_of(entry: Entry) -> list[Raw]:
    """Every reading of what an operation was given and returned."""
    return [*operands_of(entry), *readings_in(entry.results)]
