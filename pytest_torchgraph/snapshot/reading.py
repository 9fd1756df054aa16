"""How an operand is read from the value it names: ``.view(f32)``, a geometry, ``.conj()``, ``.neg()``, in order."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pytest_torchgraph.canonical.program import Reading
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec, contiguous_stride
from pytest_torchgraph.snapshot import geometry as relative
from pytest_torchgraph.snapshot.tensor import DTYPE, dtype_of, dtype_text

READING = rf"(?:\.view\((?:{DTYPE})?\))?(?:{relative.STEP})*(?:\.conj\(\))?(?:\.neg\(\))?"
_PARTS = re.compile(
    rf"(?P<view>\.view\((?P<dtype>{DTYPE})?\))?(?P<geometry>(?:{relative.STEP})*)(?P<conj>\.conj\(\))?(?P<neg>\.neg\(\))?"
)


class Base(NamedTuple):
    """What a reading starts from: the dtype of a value and how it lies, ``None`` where it has no strides."""

    dtype: str
    geometry: Geometry | None


def base_of(spec: TensorSpec) -> Base:
    """What a value of this spec is to whoever reads it; it always starts at its own beginning."""
    geometry = spec.geometry
    if geometry is not None and geometry.offset:
        geometry = Geometry(geometry.shape, geometry.stride)
    return Base(spec.dtype, geometry)


def read_through(base: Base | None, reading: Reading | None) -> Base | None:
    """What a value is to whoever reads it through *reading*."""
    if reading is None or (base is None and reading.geometry is None):
        return base
    dtype = reading.dtype or (base.dtype if base else "")
    if reading.geometry is not None:
        return Base(dtype, Geometry(reading.geometry.shape, reading.geometry.stride))
    return base and Base(dtype, _reinterpreted(base, reading.dtype))


@lru_cache(maxsize=65536)
def reading_text(reading: Reading | None, base: Base | None) -> str:
    """The text after a value's name; empty when it is read just as it was made."""
    if reading is None:
        return ""
    bits = (".conj()" if reading.conj else "") + (".neg()" if reading.neg else "")
    geometry = ""
    if reading.geometry is not None:
        geometry = relative.express(reading.geometry, _reinterpreted(base, reading.dtype))
    # A reading that changes nothing is not the same as none.
    view = f".view({dtype_text(reading.dtype)})" if reading.dtype else "" if geometry or bits else ".view()"
    return f"{view}{geometry}{bits}"


@lru_cache(maxsize=65536)
def reading_of(text: str, base: Base | None) -> Reading | None:
    """The reading that :func:`reading_text` wrote; ``ValueError`` where it does not fit the value."""
    if not text:
        return None
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"no way to read a tensor: {text!r}")
    dtype = dtype_of(parts["dtype"]) if parts["dtype"] else None
    geometry = relative.resolve(parts["geometry"], _reinterpreted(base, dtype)) if parts["geometry"] else None
    return Reading(geometry, dtype, bool(parts["conj"]), bool(parts["neg"]))


def _reinterpreted(base: Base | None, dtype: str | None) -> Geometry | None:
    """How the value lies in elements of *dtype*: in one row, where their sizes differ."""
    if base is None or base.geometry is None:
        return None
    before, after = _bits(base.dtype), _bits(dtype or base.dtype)
    if before == after:
        return base.geometry
    if not before or not after or base.geometry.stride != contiguous_stride(base.geometry.shape):
        return None
    row = (base.geometry.numel * before // after,)
    return Geometry(row, contiguous_stride(row))


def _bits(dtype: str) -> int:
    """Bits of one element, read off the dtype's name; 0 for a name that has none."""
    found = re.match(r"[a-z]+(\d+)", dtype)
    return int(found[1]) if found else 8 * (dtype == "bool")
