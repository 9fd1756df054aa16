"""What the bytes of a finished run belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.capture.attribution import ACCUMULATE, Link, made_elsewhere
from pytest_torchgraph.capture.node import Running
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.tensor import FirstSight, Identity, Raw
from pytest_torchgraph.recorded.memory import Category, Life, Memory, saved_in
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD

BEFORE: dict[str, Category] = {
    "parameter": "parameters",
    "buffer": "buffers",
    "attribute": "other",
    "gradient": "gradients",
    "state": "optimizer state",
    "input": "inputs",
    "constant": "other",
}


class Lives:
    """Sorts the storages of one run into categories."""

    def __init__(
        self,
        log: list[Entry],
        links: list[Link],
        identity: Identity,
        saved: Iterable[int],
        kept: frozenset[int] | None,
    ) -> None:
        self.log = log
        self.links = links
        self.sights = identity.sights
        self.accumulated = accumulated(log)
        self.saved = set(saved)
        if all(link.phase != BACKWARD for link in links) and made_nodes(log):
            # When the call is over, nothing but autograd (or a cache) holds what is alive and was not returned.
            self.saved = set(kept or ())

    def all(self) -> Iterator[Life]:
        """The life of every storage whose size is known, in order; several where its category or size changed."""
        for index, sight in enumerate(self.sights):
            if sight.role is None and not sight.resized and sight.bytes is not None:
                life = self._only_life(index, sight)
                if life is not None:
                    yield life
            elif sight.bytes is not None:
                yield from self._lives(index, sight)

    def _only_life(self, index: int, sight: FirstSight) -> Life | None:
        """The life of a storage that was one thing of one size from the first to the last."""
        born, died = -1 if sight.before_run else sight.born, sight.died
        if (len(self.log) + 1 if died is None else died) <= born:
            return None
        return Life(index, self._category(index, sight), sight.bytes or 0, born, died, self._made_in(sight))

    def _made_in(self, sight: FirstSight) -> str:
        """The phase of the operation that made a storage."""
        is_made = sight.kind == "result" and sight.born < len(self.links)
        return self.links[sight.born].phase if is_made else FORWARD

    def _lives(self, index: int, sight: FirstSight) -> Iterator[Life]:
        made_in = self._made_in(sight)
        born = -1 if sight.before_run else sight.born
        category = self._category(index, sight)
        becomes = self._becomes_gradient(index, sight)
        if becomes is not None and becomes > born:
            first: Category = "saved" if index in self.saved else "temporaries"
            yield from self._sized(index, sight, first, born, becomes, made_in)
            born = becomes
        yield from self._sized(index, sight, category, born, sight.died, made_in)

    def _sized(
        self, index: int, sight: FirstSight, category: Category, born: int, died: int | None, made_in: str
    ) -> Iterator[Life]:
        """One life for each size that the storage had between *born* and *died*."""
        sizes = [*sight.resized, (len(self.log) + 1, sight.bytes or 0)]
        for until, size in sizes:
            end = until if died is None else min(until, died)
            if end > born:
                yield Life(
                    index, category, size, born, None if died is None and until > len(self.log) else end, made_in
                )
                born = end

    def _category(self, index: int, sight: FirstSight) -> Category:
        if sight.role is not None:
            return "gradients" if sight.role == "gradient" else "optimizer state"
        if sight.kind != "result":
            return BEFORE[sight.kind]
        return "saved" if index in self.saved else "temporaries"

    def _becomes_gradient(self, index: int, sight: FirstSight) -> int | None:
        """When a storage that was something else was handed over as a gradient."""
        if sight.role != "gradient" or sight.kind == "gradient":
            return None
        return self.accumulated.get(index, sight.named_at)


def keeps_are_known(log: list[Entry], links: list[Link], kept: frozenset[int] | None) -> bool:
    """Whether it is known what was kept for a backward pass: it ran, or what outlived the call is known, or nothing."""
    return kept is not None or any(link.phase == BACKWARD for link in links) or not made_nodes(log)


def made_nodes(log: list[Entry]) -> bool:
    """Whether the run made autograd nodes at all; one that a compiled graph makes for all its work counts."""
    own = [entry.sequence_number for entry in log if entry.sequence_number >= 0]
    return bool(own and own[-1] > own[0]) or made_elsewhere(log) or any(map(_makes_node, log))


def _makes_node(entry: Entry) -> bool:
    inside = None if entry.running is None else entry.running.inside
    return inside is not None and inside.makes_node


def accumulated(log: list[Entry]) -> dict[int, int]:
    """For each storage that was handed to a parameter, the operation during which that happened first."""
    found: dict[int, int] = {}
    for at, entry in enumerate(log):
        running: Running | None = entry.running
        if running is not None and running.name == ACCUMULATE:
            for value in (*entry.arguments, entry.results):
                if isinstance(value, Raw):
                    found.setdefault(value[1], at)
    return found


def memory_of(
    log: list[Entry],
    links: list[Link],
    identity: Identity,
    saved: Iterable[int],
    kept: frozenset[int] | None,
    resident: int,
) -> Memory:
    """Live bytes after each operation, the peak, and what they belong to.

    ``saved`` are the storages that nodes of the autograd graph keep for their backward pass.
    ``kept`` are the storages that were made in the run and outlived the model's call without being returned; ``None``
    where there is no such call.
    """
    timeline = tuple([entry.live for entry in log])
    peak = max(timeline, default=resident)
    at = timeline.index(peak) if peak > resident else None
    lives = tuple(Lives(log, links, identity, saved, kept).all())
    moment = -1 if at is None else at
    return Memory(
        resident=resident,
        peak=max(peak, resident),
        peak_operation=at,
        timeline=timeline,
        parameter_bytes=bytes_of("parameter", identity),
        buffer_bytes=bytes_of("buffer", identity),
        input_bytes=bytes_of("input", identity),
        alive_at_peak=tuple(dict.fromkeys(life.storage for life in lives if life.alive(moment))),
        lives=lives,
        saved=saved_in(lives) if keeps_are_known(log, links, kept) else None,
    )


def peak_of(log: list[Entry], resident: int) -> int:
    """The peak alone."""
    return max(resident, max((entry.live for entry in log), default=resident))


def bytes_of(kind: str, identity: Identity) -> int:
    """Bytes of all storages first seen as *kind*, but for parameters that were gathered from others."""
    sights = (sight for index, sight in enumerate(identity.sights) if index not in identity.gathered)
    return sum(sight.bytes or 0 for sight in sights if sight.kind == kind)
