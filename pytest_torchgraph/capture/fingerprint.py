"""What tells one raw run from every other: all that its record is made of, as one digest.

Numbers of values, storages, operations and calls are counters of the run, so that two runs that do the same are the
same here, whatever the process. What is not known to be told exactly makes no digest at all: nothing is approximated.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import torch

from pytest_torchgraph.capture.call import OpenCall
from pytest_torchgraph.capture.graph import Run, origin_of, plain_word
from pytest_torchgraph.capture.module import OpenScope
from pytest_torchgraph.capture.node import NodeKey, SeenNode
from pytest_torchgraph.capture.phase import Stretch
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.tensor import FirstSight, Raw, View
from pytest_torchgraph.recorded.operation import Group, Opaque, Word
from pytest_torchgraph.recorded.origin import Origin

FORMAT = 2
"""Of ``marshal``: the last one that tells values alone, and not which of them are one object."""
EXACT = frozenset({type(None), bool, int, float, complex, str})
OF_IDENTITY = ("gathered", "regrown", "fakes", "values", "clock", "neg_bits")
"""What a record may be made of beside the sights. What Python keeps alive for itself is left out: weak references,
callables, and ``live``, which stands in every row of the log."""

_of_overload = attrgetter(*(each.name for each in fields(Overload) if each.name not in ("target", "run")))
_of_sight = attrgetter(*(name for name in FirstSight.__slots__ if name != "raw"))
_of_scope = attrgetter(*OpenScope.__slots__)
_of_call = attrgetter(*(name for name in OpenCall.__slots__ if name not in ("arguments", "keywords", "frame")))
_of_stretch = attrgetter(*(each.name for each in fields(Stretch)))
_of_identity = attrgetter(*OF_IDENTITY)


def fingerprint(run: Run, origin: Origin | None = None) -> str | None:
    """A digest of *run*: two runs have the same one only when their records are the same but for source lines.

    ``None`` where anything in it cannot be told exactly, such as a size that is a symbol. *origin* is the run's own,
    where it is known by now.
    """
    try:
        told = Telling(run).everything(origin or origin_of(run))
        return blake2b(marshal.dumps(told, FORMAT), digest_size=20).hexdigest()
    except (ValueError, TypeError):  # what `marshal` does not write, and what has no order
        return None


class Telling:
    """Tells one run by numbers and texts. Readings and overloads are told once, and by their places from then on.

    The run keeps both alive, so that the ``id`` of one stays its own.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.first = run.followed.first_sequence_number
        self.readings: list[Raw] = []
        self.overloads: list[Overload] = []
        self._told: dict[int, tuple[int]] = {}
        self._weights = {} if run.weights is None else run.weights.known

    def everything(self, origin: Origin) -> list[Any]:
        """All that a record is made of."""
        run, told_before = self.run, self._told.get
        told = [
            list(self._columns()) if run.rows else [],
            [(_of_sight(one), told_before(id(one.raw)) or self._value(one.raw)) for one in run.identity.sights],
            [plainly(value) for value in _of_identity(run.identity)],
            [_of_scope(scope) for scope in run.scopes],
            [(_of_call(call), self._value(call.arguments), self._named(call.keywords)) for call in run.calls],
            [_of_stretch(stretch) for stretch in run.followed.stretches],
            [self._node(*pair) for pair in run.followed.nodes.items()],
            [(path, self._value(raw)) for path, raw in (*run.inputs, *run.outputs)],
            [len(run.inputs), list(self._distinct_weights())],
            [(each.name, plainly(getattr(run, each.name))) for each in fields(Run) if each.name not in TOLD_APART],
            [(name, plainly(getattr(run.followed, name))) for name in others(run.followed)],
            [(each.name, getattr(origin, each.name)) for each in fields(origin)],
        ]
        return [*told, [_of_overload(each) for each in self.overloads], list(self._readings())]

    def _columns(self) -> Iterator[Any]:
        """The log, column by column: most are told as they are, and each of the others in one go."""
        # All parts by name: with one more in the log there would be no digest.
        overloads, arguments, keywords, results, scopes, calls, _, live, numbers, running = zip(
            *self.run.rows, strict=True
        )
        first, told = self.first, self._told.get
        self.overloads = list({id(each): each for each in overloads}.values())
        places = {id(each): place for place, each in enumerate(self.overloads)}
        yield [places[id(each)] for each in overloads]
        yield [
            [value if type(value) in EXACT else told(id(value)) or self._value(value) for value in each]
            for each in arguments
        ]
        yield [self._named(each) if each else None for each in keywords]
        yield [told(id(each)) or self._value(each) for each in results]
        yield from (scopes, calls, live)
        yield [number - first if number >= 0 else number for number in numbers]
        yield [each and (each.name, self._key(each.key), each.recomputes, len(each)) for each in running]

    def _value(self, value: Any) -> Any:
        """One argument: a reading is ``(place,)``, a sequence a list, what has no value to tell a pair of texts."""
        kind = type(value)
        if kind is Raw:
            found = self._told.get(id(value))
            if found is None:
                found = self._told[id(value)] = (len(self.readings),)
                self.readings.append(value)
            return found
        if kind in EXACT:
            return value
        if isinstance(value, (list, tuple)):
            if EXACT.issuperset(map(type, value)):
                return list(value)
            return [part if type(part) in EXACT else self._value(part) for part in value]
        return self._word(value)

    def _word(self, value: Any) -> tuple[str, Any]:
        if isinstance(value, (bool, int, float, complex, str)):
            raise TypeError(f"{type(value).__name__} is more than a number or a text")
        if isinstance(value, Group):
            return "group", value.ranks
        packed = self._weights.get(id(value))
        if packed is not None:
            return "packed", (repr(packed.record), packed.size, packed.digests)
        word = plain_word(value)
        if isinstance(word, Word):
            return "word", word.text
        return ("opaque", word.type_name) if isinstance(word, Opaque) else ("text", word)

    def _named(self, keywords: dict[str, Any] | None) -> list[Any]:
        return [(name, self._value(value)) for name, value in sorted((keywords or {}).items())]

    def _readings(self) -> Iterator[list[tuple[Any, ...]]]:
        views: dict[int, View] = {id(raw[2]): raw[2] for raw in self.readings}
        places = {key: place for place, key in enumerate(views)}
        yield [(value, storage, places[id(view)]) for value, storage, view in self.readings]
        yield [(*view[:3], *map(str, view[3:6]), *view[6:]) for view in views.values()]

    def _key(self, key: NodeKey | None) -> NodeKey | None:
        """A node's number counted from the first of the run."""
        return key - self.first if isinstance(key, int) else key

    def _node(self, key: NodeKey, node: SeenNode) -> tuple[Any, ...]:
        edges = [edge and (self._key(edge[0]), edge[1]) for edge in node.edges]
        return self._key(key), node.name, self._key(node.key), edges, node.held

    def _distinct_weights(self) -> Iterator[tuple[Any, ...]]:
        for path, one in () if self.run.weights is None else self.run.weights.distinct:
            yield path, repr(one.record), one.size, one.digests


TOLD_APART = frozenset({"rows", "identity", "scopes", "calls", "inputs", "outputs", "followed", "weights"})
"""What of a run is told part by part; all else is told as it is."""


def others(followed: Any) -> Iterable[str]:
    """What was followed beside what is told by itself."""
    return (each.name for each in fields(followed) if each.name not in ("stretches", "nodes", "first_sequence_number"))


def plainly(value: Any) -> Any:
    """*value*, a set in order."""
    return ("set", sorted(value)) if isinstance(value, (set, frozenset)) else value


def settings() -> tuple[Any, ...]:
    """What PyTorch was set to that may choose other kernels, beside what a run itself tells."""
    return (
        str(torch.__version__),
        str(torch.version.git_version),
        str(torch.get_default_dtype()),
        torch.get_float32_matmul_precision(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
    )
