"""Bytes that an operation reads and writes, from the geometry of its operands."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_torchgraph.recorded.operation import Operation, tensors_in
from pytest_torchgraph.recorded.tensor import Geometry, TensorRef, TensorSpec

FILLS = re.compile(
    r"aten\.(_foreach_)?(copy|fill|zero|normal|uniform|bernoulli|random|exponential|geometric|cauchy|log_normal"
    r"|set|resize|resize_as)_|aten\.(copy|fill|zero)"
)
"""Operations that overwrite their first operand without reading it."""
MAKES_ROOM = re.compile(r"aten\.(new_)?empty\w*|aten\.resize\w*")
"""Operations that take memory and write nothing to it."""
GATHERS = {"aten.embedding": 0, "aten.index_select": 0, "aten.gather": 0, "aten.index": 0, "aten.take": 0}
"""Operations that read as much of one operand as they return, and its place."""
SCATTERS = {
    "aten.index_put_": 2,
    "aten._index_put_impl_": 2,
    "aten.index_copy_": 3,
    "aten.index_add_": 3,
    "aten.scatter_": 3,
    "aten.scatter_add_": 3,
}
"""Operations that touch as much of their first operand as another one holds, and the place of that one."""
BITS = re.compile(r"\d+")


def bytes_read(operation: Operation) -> int | None:
    """Bytes of memory that *operation* reads; ``None`` where a tensor has no strided storage.

    Each storage once, through the geometry of its operands: an expanded dimension is read once, two overlapping
    operands are read as far as they reach. Caches are not modelled. 0 for views.
    """
    if operation.is_view or MAKES_ROOM.fullmatch(operation.packet):
        return 0
    operands = [value for name, value in operation.keywords if not name.startswith("out")]
    overwritten = FILLS.fullmatch(operation.packet) is not None
    readings = tensors_in((*operation.arguments[overwritten:], *operands))
    return least(total(readings), part_touched(operation, GATHERS.get(operation.packet), total(made_by(operation))))


def bytes_written(operation: Operation) -> int | None:
    """Bytes of memory that *operation* writes: its new results and the operands it changes; see `bytes_read`."""
    if operation.is_view or MAKES_ROOM.fullmatch(operation.packet):
        return 0
    operands = tensors_in((*operation.arguments, *(value for _, value in operation.keywords)))
    written = [reference for reference in operands if reference.storage in operation.writes]
    return total([*written, *made_by(operation)])


def bytes_moved(operation: Operation) -> int | None:
    """Bytes read and written by *operation*, ``None`` where either is unknown."""
    read, written = bytes_read(operation), bytes_written(operation)
    scattered = SCATTERS.get(operation.packet)
    if read is None or written is None:
        return None
    if scattered is None or not operation.writes or len(operation.arguments) <= scattered:
        return read + written
    return scattered_bytes(operation, scattered, read, written)


def scattered_bytes(operation: Operation, place: int, read: int, written: int) -> int:
    """*read* and *written* with only those bytes of the destination that are touched; all of it for a single value."""
    source = tensors_in((operation.arguments[place],))
    if not source or source[0].spec.geometry is None or source[0].spec.geometry.numel <= 1:
        return read + written
    destination = total(tensors_in(operation.arguments[:1])) or 0
    spared = destination - min(destination, total(source) or 0)
    return read + written - 2 * spared


def made_by(operation: Operation) -> list[TensorRef]:
    """The results of *operation* that lie in memory of their own."""
    operands = tensors_in((*operation.arguments, *(value for _, value in operation.keywords)))
    known = {reference.storage for reference in operands}
    return [reference for reference in tensors_in(operation.results) if reference.storage not in known]


def part_touched(operation: Operation, place: int | None, touched: int | None) -> int | None:
    """What is read when only *touched* bytes of the operand at *place* are; ``None`` where all of it is."""
    if place is None or touched is None or not operation.arguments:
        return None
    source = total(tensors_in(operation.arguments[place : place + 1]))
    everything = total(tensors_in(operation.arguments))
    return None if source is None or everything is None else everything - source + min(source, touched)


def least(everything: int | None, part: int | None) -> int | None:
    """*part* where it is known, else *everything*."""
    return everything if everything is None or part is None else min(everything, part)


def total(references: Iterable[TensorRef]) -> int | None:
    """Bytes behind all *references*, each storage once; ``None`` where one has no strided storage."""
    storages: dict[int, set[tuple[int, int, int]]] = {}
    for reference in references:
        extent = extent_of(reference.spec)
        if extent is None:
            return None
        storages.setdefault(reference.storage, set()).add(extent)
    return sum(map(union, storages.values()))


def union(extents: set[tuple[int, int, int]]) -> int:
    """Bytes of several readings of one storage: their sum, as far as they do not lie over one another."""
    span = max(end for _, end, _ in extents) - min(start for start, _, _ in extents)
    return min(span, sum(size for _, _, size in extents))


def extent_of(spec: TensorSpec) -> tuple[int, int, int] | None:
    """First byte, end, and number of bytes that a tensor reads."""
    geometry = spec.geometry
    if geometry is None:
        return None
    width = width_of(spec.dtype)
    if 0 in geometry.shape:
        return 0, 0, 0
    reach = 1 + sum((size - 1) * abs(step) for size, step in zip(geometry.shape, geometry.stride, strict=True))
    return geometry.offset * width, (geometry.offset + reach) * width, min(reach, elements(geometry)) * width


def elements(geometry: Geometry) -> int:
    """Number of elements read, an expanded dimension counted once."""
    count = 1
    for size, step in zip(geometry.shape, geometry.stride, strict=True):
        count *= size if step else 1
    return count


def width_of(dtype: str) -> int:
    """Bytes of one element: ``bfloat16`` 2, ``float8_e4m3fn`` 1, ``complex64`` 8, ``bool`` 1."""
    digits = BITS.search(dtype)
    return 1 if digits is None else max(1, int(digits.group()) // 8)
