"""Fake and ``meta`` tensors hold nothing: in a run on real ones, what is asked of them is no work and no memory."""

from __future__ import annotations

import sys
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Parameter

from pytest_torchgraph.capture.effect import operands_of, readings_in
from pytest_torchgraph.capture.operation import Entry, named_entries, overloads_seen
from pytest_torchgraph.capture.tensor import FirstSight, Identity, Raw

if TYPE_CHECKING:
    from pytest_torchgraph.capture.call import OpenCall
    from pytest_torchgraph.capture.module import OpenScope
    from pytest_torchgraph.capture.phase import Stretch

PROPAGATOR = "torch.distributed.tensor._sharding_prop"
ZEROS = "aten._efficientzerotensor.default"
MOVES = ("aten._to_copy.default", "aten.copy_.default")


def fake_mode() -> object | None:
    """The mode of fake tensors under which what runs now runs; ``None`` where it runs on real ones."""
    found: object | None = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
    return found


def stand_in(real: Tensor) -> Tensor | None:
    """The fake tensor that operations compute with in the place of *real*; ``None`` where there is none."""
    mode: Any = fake_mode()
    if mode is None or type(real) not in {Tensor, Parameter} or real.is_meta:
        return None
    return converted(mode, real)


def converted(mode: Any, real: Tensor) -> Tensor:
    """The fake tensor under *mode* for a real one."""
    with warnings.catch_warnings():
        # PyTorch itself looks at the gradient of a value that is no leaf.
        warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf", UserWarning)
        fake: Tensor = mode.fake_tensor_converter.from_real_tensor(mode, real)
    return fake


@contextmanager
def following_propagation(clock: Any) -> Iterator[list[tuple[int, int]]]:
    """Note from which operation to which ``DTensor`` asks fake tensors what shape a result would have.

    It does so once for each operation and each set of shapes, and then knows. ``clock.clock`` counts operations.
    """
    asides: list[tuple[int, int]] = []
    propagator = getattr(sys.modules.get(PROPAGATOR), "ShardingPropagator", None)
    plain = getattr(propagator, "_propagate_tensor_meta_non_cached", None)
    if propagator is None or plain is None:
        yield asides
        return

    def propagate(*args: Any, **kwargs: Any) -> Any:
        begun = clock.clock
        try:
            return plain(*args, **kwargs)
        finally:
            asides.append((begun, clock.clock))

    propagator._propagate_tensor_meta_non_cached = propagate
    try:
        yield asides
    finally:
        propagator._propagate_tensor_meta_non_cached = plain


@dataclass(frozen=True)
class Left:
    """Which operations of a log are no part of the run, and which storages hold no bytes."""

    operations: frozenset[int]
    storages: frozenset[int]

    @classmethod
    def of(
        cls,
        rows: list[tuple[Any, ...]],
        identity: Identity,
        inputs: Iterable[Raw],
        asides: list[tuple[int, int]],
        *,
        fake_mode: bool,
    ) -> Left:
        """What to leave out of a run on *inputs*; a run that is fake as a whole keeps what is fake."""
        sights, fake = identity.sights, fake_in(identity)
        operations = {index for begun, ended in asides for index in range(begun, ended)}
        made = enumerate(sights) if operations else ()
        storages = {index for index, sight in made if sight.kind == "result" and sight.born in operations}
        if fake and not (fake_mode or is_fake_run(named_entries(rows), fake, list(inputs))):
            operations |= {index for index, entry in enumerate(named_entries(rows)) if makes_nothing(entry, fake)}
            storages |= fake
        return cls(frozenset(operations), frozenset(storages | zero_tensors(rows)))

    def kept(self, length: int) -> list[int]:
        """Positions of the operations that stay."""
        return [index for index in range(length) if index not in self.operations]


def fake_in(identity: Identity) -> set[int]:
    """The storages that were first seen behind a fake or ``meta`` tensor."""
    if all(device.type != "meta" for device in identity.devices):
        return identity.fakes
    raws = ((index, sight.raw) for index, sight in enumerate(identity.sights))
    return identity.fakes | {index for index, raw in raws if raw is not None and raw.device.type == "meta"}


def is_fake_run(log: list[Entry], fake: set[int], inputs: list[Raw]) -> bool:
    """Whether a run as a whole is on fake tensors: all its inputs are; without any, most of what is computed is."""
    given = [raw.storage in fake for raw in inputs if raw.shape]
    if given:
        return all(given)
    votes = 0
    for entry in log:
        operands, made = readings_in(entry.arguments), readings_in(entry.results)
        if operands and made and not entry.overload.is_view and entry.overload.name not in MOVES:
            votes += 1 if made[0].storage in fake else -1
    return votes > 0


def makes_nothing(entry: Entry, fake: set[int]) -> bool:
    """Whether all that an operation makes is fake; where it makes no tensor, all that it reads."""
    made = readings_in(entry.results)
    concerned = made or operands_of(entry)
    return bool(concerned) and all(raw.storage in fake for raw in concerned)


def zero_tensors(rows: list[tuple[Any, ...]]) -> set[int]:
    """The storages of zeros that forward-mode differentiation makes: they say a size and take no memory."""
    if not any(overload.name == ZEROS for overload in overloads_seen()):
        return set()
    zeros = (entry for entry in named_entries(rows) if entry.overload.name == ZEROS)
    return {raw.storage for entry in zeros for raw in readings_in(entry.results)}


class Moments:
    """Moments of a run, counted in the operations that stay."""

    def __init__(self, kept: list[int]) -> None:
        self.kept = kept

    def after(self, clock: int) -> int:
        """How many of the operations before *clock* stay."""
        return bisect_left(self.kept, clock)


def bytes_before(sights: Iterable[FirstSight], length: int) -> list[int]:
    """Bytes of *sights* that live after each of *length* operations, as the recorder counted them."""
    changes = [0] * (length + 2)
    for sight in sights:
        for size, begun, ended in stretches(sight, length + 1):
            changes[min(begun, length + 1)] += size
            changes[min(ended, length + 1)] -= size
    return list(accumulate(changes))[:length]


def stretches(sight: FirstSight, end: int) -> Iterator[tuple[int, int, int]]:
    """Size, beginning and end of every stretch in which a storage kept its size."""
    died = end if sight.died is None else sight.died
    begun = sight.born
    for until, size in (*sight.resized, (end, sight.bytes or 0)):
        ended = min(until, died)
        if ended > begun:
            yield size, begun, ended
            begun = ended


def take_out(left: Left, rows: list[tuple[Any, ...]], run: Observed) -> list[tuple[Any, ...]]:
    """*rows* without what is left out; all of *run* that tells moments in operations then counts those that stay."""
    if not (left.operations or left.storages):
        return rows
    log = named_entries(rows)
    live = bytes_before([run.sights[index] for index in left.storages], len(log))
    kept = left.kept(len(log))
    numbers = call_numbers(log, left.operations, len(run.calls))
    stays: list[tuple[Any, ...]] = [
        log[index]._replace(live=log[index].live - live[index], call=numbers.get(log[index].call)) for index in kept
    ]
    for index in left.storages:
        sight = run.sights[index]
        sight.bytes, sight.resized = 0, ()
        if sight.kind == "result" and sight.born in left.operations:
            sight.kind = "constant"
    run.recount(Moments(kept), numbers)
    return stays


def call_numbers(log: list[Entry], left: frozenset[int], count: int) -> dict[int | None, int]:
    """The new number of each API call that does anything besides what is left out."""
    all_calls = {entry.call for entry in log}
    stay = {entry.call for index, entry in enumerate(log) if index not in left}
    return {old: new for new, old in enumerate(call for call in range(count) if call in stay or call not in all_calls)}


@dataclass(frozen=True)
class Observed:
    """What was noted of a run beside its log."""

    sights: list[FirstSight]
    scopes: list[OpenScope]
    stretches: list[Stretch]
    calls: list[OpenCall]

    def recount(self, moments: Moments, numbers: dict[int | None, int]) -> None:
        """Tell all moments anew, and keep the calls that have a number."""
        for sight in self.sights:
            sight.born, sight.named_at = moments.after(sight.born), moments.after(sight.named_at)
            sight.died = None if sight.died is None else moments.after(sight.died)
            sight.resized = tuple((moments.after(until), size) for until, size in sight.resized)
        for scope in self.scopes:
            scope.start, scope.end = moments.after(scope.start), moments.after(scope.end)
        for stretch in self.stretches:
            stretch.start = moments.after(stretch.start)
            stretch.end = None if stretch.end is None else moments.after(stretch.end)
        self.calls[:] = [call for index, call in enumerate(self.calls) if index in numbers]
