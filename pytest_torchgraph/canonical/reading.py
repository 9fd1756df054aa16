"""How one reading of a storage differs from another."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from pytest_torchgraph.canonical.program import Reading
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec, one_of

BITS = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "complex128": 128, "complex64": 64, "complex32": 32,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "bool": 8,
}  # fmt: skip
DISTINCT = 1 << 14
"""Specs to remember: a run of a hundred thousand operations has some hundred."""


@lru_cache(maxsize=DISTINCT)
def canonical_spec(spec: TensorSpec) -> TensorSpec:
    """*spec* without what no kernel can see: strides normalised, starting at the beginning of its storage."""
    if spec.geometry is None:
        return one_of(spec)
    normal = spec.geometry.normalised()
    return one_of(replace(spec, geometry=Geometry(normal.shape, normal.stride, 0)))


def reading_of(spec: TensorSpec, base: TensorSpec) -> Reading | None:
    """How *spec* reads the storage that *base* is the whole of; ``None`` when it reads it just the same."""
    # A record holds each distinct spec once, and most are read as they were made.
    return None if spec is base else _difference(spec, base)


@lru_cache(maxsize=DISTINCT)
def _difference(spec: TensorSpec, base: TensorSpec) -> Reading | None:
    dtype = spec.dtype if spec.dtype != base.dtype else None
    conj, neg = spec.conj != base.conj, spec.neg != base.neg
    if spec.geometry is None or base.geometry is None:
        same = spec.shape == base.shape and dtype is None and not (conj or neg)
        return None if same else Reading(spec.geometry and spec.geometry.normalised(), dtype, conj, neg)
    geometry, start = spec.geometry.normalised(), base.geometry.normalised()
    moved = Geometry(geometry.shape, geometry.stride, geometry.offset - offset_in(start.offset, base.dtype, spec.dtype))
    if 0 in geometry.shape:
        moved = Geometry(geometry.shape, geometry.stride, 0)
    differs = dtype is not None or moved != Geometry(start.shape, start.stride, 0)
    if not (differs or conj or neg):
        return None
    return Reading(moved if differs else None, dtype, conj, neg)


def offset_in(offset: int, counted_in: str, wanted: str) -> int:
    """An offset counted in elements of one dtype, in elements of another."""
    if counted_in == wanted:
        return offset
    return offset * BITS.get(counted_in, 8) // BITS.get(wanted, 8)


def holds(base: TensorSpec, spec: TensorSpec) -> bool:
    """Whether every element that *spec* reads lies in the gapless region that *base* covers."""
    if base.geometry is None or spec.geometry is None:
        return False
    whole, part = base.geometry.normalised(), spec.geometry.normalised()
    if base.dtype != spec.dtype or 0 in part.shape or 0 in whole.shape or extent(whole) != whole.numel:
        return False
    return whole.offset <= part.offset and part.offset + extent(part) <= whole.offset + whole.numel


def extent(geometry: Geometry) -> int:
    """Elements from the first to the last that is read, both included."""
    if 0 in geometry.shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(geometry.shape, geometry.stride, strict=True))


def best_base(bases: list[TensorSpec], spec: TensorSpec) -> int | None:
    """Which of *bases* (readings of one storage) *spec* is best told from: one read just the same, or one around it."""
    for position, base in enumerate(bases):
        if reading_of(spec, base) is None:
            return position
    for position, base in enumerate(bases):
        if holds(base, spec):
            return position
    return None


def read(base: TensorSpec, reading: Reading | None) -> TensorSpec:
    """What *reading* makes of the value *base*."""
    if reading is None:
        return base
    dtype = reading.dtype or base.dtype
    geometry = base.geometry
    if reading.geometry is not None:
        start = offset_in(geometry.offset, base.dtype, dtype) if geometry else 0
        geometry = Geometry(reading.geometry.shape, reading.geometry.stride, reading.geometry.offset + start)
    return replace(
        base,
        dtype=dtype,
        geometry=geometry,
        shape=geometry.shape if geometry else base.shape,
        conj=base.conj != reading.conj,
        neg=base.neg != reading.neg,
    )
