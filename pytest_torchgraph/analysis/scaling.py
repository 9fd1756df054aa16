"""How the work and the memory of a model grow with the sizes of its inputs."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.polynomial import Polynomial, Powers, Sizes, fitted, outer
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.memory import is_saved
from pytest_torchgraph.recorded.operation import tensors_in

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.operation import Operation
    from pytest_torchgraph.recorded.record import Record

OPS, FLOPS, MADE, SAVED, PEAK = "ops", "flops", "made", "saved", "peak"
METRICS = (OPS, FLOPS, MADE, SAVED, PEAK)
"""What is measured; ``made`` are the bytes of all results, views and what is written in place apart."""
BYTES = frozenset({MADE, SAVED, PEAK})
FARTHEST = 2**48
"""Where the search for a largest size ends."""
NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")


@dataclass(frozen=True, slots=True)
class Growth:
    """How one amount grows: the largest of ``pieces``, exact at every size that was recorded.

    Without pieces no polynomial goes through the amounts, and ``exponents`` are what two neighbouring sizes show.
    """

    pieces: tuple[Polynomial, ...]
    exponents: tuple[float, ...]

    def at(self, sizes: Sequence[int]) -> int | None:
        """The amount at *sizes*; ``None`` where no formula is known."""
        return max((math.ceil(piece.at(sizes)) for piece in self.pieces), default=None)

    @property
    def leading(self) -> tuple[tuple[float, ...], ...]:
        """The powers of the sizes in the terms that no other outgrows."""
        if not self.pieces:
            return (self.exponents,)
        terms = {powers: value for piece in self.pieces for powers, value in piece.terms}
        return Polynomial(tuple(terms.items())).leading


@dataclass(frozen=True, slots=True)
class ModuleGrowth:
    """How what one module does grows; ``path`` has ``*`` for numbers, so that equal layers are one."""

    path: str
    growths: tuple[tuple[str, Growth], ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a model grows with its sizes.

    ``sizes`` are the names of the sizes with those that were recorded, ``start`` from where on the model runs the same
    operations at each of them, and formulas hold; ``growths`` the amounts of the whole run by name, in bytes where they
    are memory, ``modules`` those of each module that does anything. ``notes`` say what the runs had to say.
    """

    sizes: tuple[tuple[str, tuple[int, ...]], ...]
    start: Sizes
    growths: tuple[tuple[str, Growth], ...]
    modules: tuple[ModuleGrowth, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sizes, in their order."""
        return tuple(name for name, _ in self.sizes)

    def growth(self, metric: str) -> Growth:
        """How *metric* grows: ``ops``, ``flops``, ``made``, ``saved`` or ``peak``."""
        found = dict(self.growths).get(metric)
        if found is None:
            raise KeyError(f"{metric!r}: measured are {', '.join(name for name, _ in self.growths)}")
        return found

    def at(self, metric: str, **sizes: int) -> int:
        """What *metric* is at *sizes*, by its formula; raises ``ValueError`` where there is none."""
        wanted = self._in_order(sizes)
        below = [name for name, size, start in zip(self.names, wanted, self.start, strict=True) if size < start]
        if below:
            raise ValueError(
                f"{below[0]}={sizes[below[0]]}: the model runs other operations there, and no formula holds"
            )
        found = self.growth(metric).at(wanted)
        if found is None:
            raise ValueError(f"{metric} follows no formula: no polynomial goes through what was recorded")
        return found

    def largest(self, size: str, memory: int, **others: int) -> int:
        """The largest *size* at which the peak fits into *memory* bytes, with *others* as they are given.

        0 where not even 1 fits. Raises ``ValueError`` where the peak follows no formula or does not grow with *size*,
        and where only sizes fit at which the model runs other operations.
        """
        if size not in self.names:
            raise ValueError(f"there is no size {size!r}: recorded are {', '.join(self.names)}")
        start = self.start[self.names.index(size)]

        def fits(number: int) -> bool:
            return self.at(PEAK, **{**others, size: number}) <= memory

        if fits(FARTHEST):
            raise ValueError(f"the peak does not grow with {size}: any {size} fits")
        if not fits(start):
            if start > 1:
                raise ValueError(f"{size}={start} does not fit, and the formula does not hold below")
            return 0
        low, high = start, FARTHEST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def largest_batch(self, memory: int, **others: int) -> int:
        """The largest ``batch`` at which the peak fits into *memory* bytes; see :meth:`largest`."""
        return self.largest("batch", memory, **others)

    def _in_order(self, sizes: Mapping[str, int]) -> Sizes:
        if set(sizes) != set(self.names):
            raise ValueError(f"sizes {', '.join(sizes) or 'none'}: expected {', '.join(self.names)}")
        return tuple(sizes[name] for name in self.names)


@dataclass(frozen=True, slots=True)
class ByBatch:
    """How a model grows with the first dimension of its inputs, ``batch`` now; ``scaling`` is none for a ``reason``."""

    batch: int
    scaling: Scaling | None
    reason: str = ""


def scaling_of(sizes: Mapping[str, Sequence[int]], records: Mapping[Sizes, Record]) -> Scaling:
    """What *records* of runs, by sizes, say together; those beside the grid of *sizes* prove the formulas."""
    recorded = [tuple(values) for values in sizes.values()]
    axes = uniform(recorded, records)
    records = {at: one for at, one in records.items() if is_beyond(at, axes)}
    totals = {at: amounts_of(record) for at, record in records.items()}
    whole = {at: {metric: sum(amount.values()) for metric, amount in one.items()} for at, one in totals.items()}
    growths = {
        metric: growth_of(axes, {at: amounts[metric] for at, amounts in whole.items()})
        for metric in (OPS, FLOPS, MADE, SAVED)
    }
    growths[PEAK] = peak_of(axes, records)
    paths = sorted({path for one in totals.values() for amounts in one.values() for path in amounts})
    modules = tuple(
        ModuleGrowth(
            path,
            tuple(
                (metric, growth_of(axes, {at: one[metric][path] for at, one in totals.items()}))
                for metric in (OPS, FLOPS, MADE, SAVED)
            ),
        )
        for path in paths
    )
    notes = tuple(dict.fromkeys(note for record in records.values() for note in record.notes))
    start = tuple(1 if axis == whole_axis else axis[0] for axis, whole_axis in zip(axes, recorded, strict=True))
    return Scaling(tuple(zip(sizes, recorded, strict=True)), start, tuple(growths.items()), modules, notes)


def uniform(axes: Sequence[tuple[int, ...]], records: Mapping[Sizes, Record]) -> list[tuple[int, ...]]:
    """*axes* without the smallest sizes at which the model runs other operations than at all larger ones.

    A batch of one is often such a size: what is transposed in it is contiguous still, and is not copied. Where more
    than that varies, such as the turns of a loop, nothing is left out.
    """
    for firsts in product(*(range(max(len(axis) - 1, 1)) for axis in axes)):
        left = [axis[first:] for axis, first in zip(axes, firsts, strict=True)]
        works = {work_of(record) for at, record in records.items() if is_beyond(at, left)}
        if len(works) == 1:
            return left
    return list(axes)


def is_beyond(at: Sizes, axes: Sequence[Sequence[int]]) -> bool:
    """Whether each of the sizes is one that *axes* have, or larger."""
    return all(size >= axis[0] for size, axis in zip(at, axes, strict=True))


def work_of(record: Record) -> tuple[str, ...]:
    """The names of all operations in their order."""
    return tuple(operation.name for operation in record.operations)


def amounts_of(record: Record) -> dict[str, Counter[str]]:
    """Every metric but the peak by module."""
    found: dict[str, Counter[str]] = {metric: Counter() for metric in (OPS, FLOPS, MADE, SAVED)}
    for operation in record.operations:
        path = place_of(record, operation)
        found[OPS][path] += not operation.is_view
        found[FLOPS][path] += operation.flops or 0
        found[MADE][path] += 0 if operation.is_view else made_by(record, operation)
    for life in record.memory.lives or ():
        if is_saved(life):
            producer = record.storages[life.storage].producer
            found[SAVED]["" if producer is None else place_of(record, record.operations[producer])] += life.bytes
    return found


def place_of(record: Record, operation: Operation) -> str:
    """Path of the module that did *operation*, with ``*`` for numbers."""
    return NUMBER.sub("*", record.scopes[operation.scope].path)


def made_by(record: Record, operation: Operation) -> int:
    """Bytes of the storages that *operation* makes."""
    made = {one.storage for one in tensors_in(operation.results)}
    storages = (record.storages[index] for index in made)
    return sum(one.bytes or 0 for one in storages if one.producer == operation.index)


def growth_of(axes: Sequence[Sequence[int]], values: Mapping[Sizes, int]) -> Growth:
    """How one amount grows."""
    found = fitted(axes, values)
    pieces = () if found is None else (found,)
    return Growth(pieces, exponents_of(axes, values) if found is None else degrees(pieces, len(axes)))


def peak_of(axes: Sequence[Sequence[int]], records: Mapping[Sizes, Record]) -> Growth:
    """How the peak grows: it is the largest of what is alive after each operation, and each of those has a formula."""
    values = {at: record.memory.peak for at, record in records.items()}
    moments = {at: (record.memory.resident, *(record.memory.timeline or ())) for at, record in records.items()}
    if len({len(one) for one in moments.values()}) > 1:
        return growth_of(axes, values)
    places = list(records)
    every = dict.fromkeys(zip(*(moments[at] for at in places), strict=True))
    found = [fitted(axes, dict(zip(places, alive, strict=True))) for alive in every]
    pieces = outer(one for one in found if one is not None)
    is_exact = all(max((piece.at(at) for piece in pieces), default=0) == value for at, value in values.items())
    return Growth(pieces, degrees(pieces, len(axes))) if is_exact and None not in found else growth_of(axes, values)


def degrees(pieces: Iterable[Polynomial], count: int) -> tuple[float, ...]:
    """The highest power of each size."""
    every = list(pieces)
    return tuple(float(max((piece.degree(place) for piece in every), default=0)) for place in range(count))


def exponents_of(axes: Sequence[Sequence[int]], values: Mapping[Sizes, int]) -> tuple[float, ...]:
    """How an amount grows from the second largest to the largest of each size, the others at their largest."""
    top = [axis[-1] for axis in axes]
    found = []
    for place, axis in enumerate(axes):
        shorter = (*top[:place], axis[-2], *top[place + 1 :])
        before = values[shorter]
        after = values[tuple(top)]
        found.append(round(math.log(after / before) / math.log(axis[-1] / axis[-2]), 2) if before and after else 0.0)
    return tuple(found)


def grid(sizes: Mapping[str, Sequence[int]]) -> tuple[Sizes, ...]:
    """The sizes to record: every combination, and one beyond them all, by which a formula is proved."""
    axes = list(sizes.values())
    return (*product(*axes), tuple(2 * axis[-1] for axis in axes))


def powers_text(names: Sequence[str], powers: Sequence[float] | Powers) -> str:
    """``batch*sequence^2``; ``1`` for none."""
    parts = [name if power == 1 else f"{name}^{power:g}" for name, power in zip(names, powers, strict=True) if power]
    return "*".join(parts) or "1"


def order_text(names: Sequence[str], growth: Growth) -> str:
    """``O(batch*sequence^2)``."""
    terms = [powers_text(names, powers) for powers in sorted(growth.leading, reverse=True)]
    return f"O({' + '.join(terms) or '1'})"
