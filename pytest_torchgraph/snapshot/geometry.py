"""The text of a geometry relative to the value that is read: ``[32,64]``, ``[:,0:4]``, ``.transpose(1,2)``.

A text is a chain of steps, each applied to what the one before it gave, beginning with the value itself:

- ``[32,64]``: the value's memory, which has no gaps, in the order in which it lies, with these sizes; nothing of it
  where one of them is 0;
- ``[:,0:4,2]``, ``[0,:]``, ``[3,]``: slices (start:stop:step) and single positions, as in Python; all-full
  dimensions at the end are left out, and a comma or colon always tells it from sizes;
- ``.T`` (two dimensions), ``.transpose(a,b)``, ``.permute(...)``, ``.expand(...)``; ``.unflatten(1,4,8)`` splits
  dimension 1 in two of 4 and 8;
- ``.as_strided((sizes),(strides),offset)``: exact and in elements, where nothing better says it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from pytest_torchgraph.recorded.tensor import Geometry, Shape, contiguous_stride
from pytest_torchgraph.snapshot.tensor import sizes_of, sizes_text

STEP = (
    r"\[[-\d,:]*\]|\.T\b|\.(?:transpose|permute|expand|unflatten)\([\d,]*\)"
    r"|\.as_strided\(\([\d,]*\),\([-\d,]*\),-?\d+\)"
)
_STEP = re.compile(STEP, re.ASCII)
_AS_STRIDED = re.compile(r"\.as_strided\(\(([^)]*)\),\(([^)]*)\),(-?\d+)\)")


class Axis(NamedTuple):
    """One dimension of a value: where it is, how long, and its stride in elements."""

    place: int
    size: int
    stride: int


@lru_cache(maxsize=65536)
def express(geometry: Geometry, base: Geometry | None) -> str:
    """How *geometry* is read from a value that lies as *base*; ``resolve`` gives exactly *geometry* back."""
    if base is not None and len(geometry.shape) == len(geometry.stride):
        for spell in _spellings(geometry, base):
            text = spell(geometry, base)
            if text and _resolves(text, base, geometry):
                return text
    return f".as_strided(({sizes_text(geometry.shape)}),({sizes_text(geometry.stride)}),{geometry.offset})"


def _spellings(target: Geometry, base: Geometry) -> tuple[Callable[[Geometry, Geometry], str], ...]:
    """Ways to say it, best first: one that reads all of a row-major value under other sizes is a resized one."""
    if 0 in target.shape:
        return (_empty,)
    all_read = math.prod(axis.size for axis in _spread(target)) == base.numel
    if all_read and len(target.shape) != len(base.shape) and base.stride == contiguous_stride(base.shape):
        return _whole, _by_memory, _by_own_dimensions
    return _whole, _by_own_dimensions, _by_memory, _by_splitting


def _resolves(text: str, base: Geometry, geometry: Geometry) -> bool:
    try:
        return resolve(text, base) == geometry
    except (ValueError, IndexError):
        return False


@lru_cache(maxsize=65536)
def resolve(text: str, base: Geometry | None) -> Geometry:
    """The geometry that *text* reads from a value that lies as *base*; ``ValueError`` where it does not fit."""
    exact = _AS_STRIDED.fullmatch(text)
    if exact:
        return Geometry(sizes_of(exact[1]), sizes_of(exact[2]), int(exact[3]))
    if base is None:
        raise ValueError("only .as_strided can read a value whose layout is not known")
    current = Geometry(base.shape, base.stride)
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or not step[0]:
            raise ValueError(f"no way to read a tensor: {text[position:]!r}")
        current = _step(step[0], current)
        position = step.end()
    return current.normalised()


def _step(text: str, current: Geometry) -> Geometry:
    if text.startswith("["):
        is_index = ":" in text or text.endswith(",]")
        return _index(text[1:-1], current) if is_index else _resize(sizes_of(text[1:-1]), current)
    if text == ".T":
        if len(current.shape) != 2:
            raise ValueError(f".T of {len(current.shape)} dimensions")
        return _permute((1, 0), current)
    method, _, arguments = text[1:-1].partition("(")
    numbers = sizes_of(arguments)
    if method == "expand":
        return _expand(numbers, current)
    if method == "unflatten":
        return _unflatten(numbers[:1], numbers[1:], current)
    return _permute(_transposition(numbers, len(current.shape)) if method == "transpose" else numbers, current)


def _transposition(pair: Shape, dimensions: int) -> Shape:
    if len(pair) != 2 or max(pair) >= dimensions:
        raise ValueError(f"no pair of {dimensions} dimensions: {pair}")
    axes = list(range(dimensions))
    axes[pair[0]], axes[pair[1]] = pair[1], pair[0]
    return tuple(axes)


def _permute(axes: Shape, current: Geometry) -> Geometry:
    if sorted(axes) != list(range(len(current.shape))):
        raise ValueError(f"no order of {len(current.shape)} dimensions: {axes}")
    return Geometry(
        tuple(current.shape[axis] for axis in axes), tuple(current.stride[axis] for axis in axes), current.offset
    )


def _expand(sizes: Shape, current: Geometry) -> Geometry:
    added = len(sizes) - len(current.shape)
    if added < 0:
        raise ValueError(f"{len(current.shape)} dimensions expanded to {len(sizes)}")
    stride = [0] * added + list(current.stride)
    for axis, (size, before) in enumerate(zip(sizes, (1,) * added + current.shape, strict=True)):
        if size != before:
            if before != 1:
                raise ValueError(f"a dimension of {before} expanded to {size}")
            stride[axis] = 0
    return Geometry(sizes, tuple(stride), current.offset)


def _unflatten(place: Shape, sizes: Shape, current: Geometry) -> Geometry:
    if not place or place[0] >= len(current.shape) or math.prod(sizes) != current.shape[place[0]]:
        raise ValueError(f"no dimension of {len(current.shape)} has {math.prod(sizes)} elements at {place}")
    (at,) = place
    stride = tuple(step * current.stride[at] for step in contiguous_stride(sizes))
    return Geometry(
        (*current.shape[:at], *sizes, *current.shape[at + 1 :]),
        (*current.stride[:at], *stride, *current.stride[at + 1 :]),
        current.offset,
    )


def _resize(sizes: Shape, current: Geometry) -> Geometry:
    if 0 in sizes:
        return Geometry(sizes, contiguous_stride(sizes))
    if math.prod(sizes) != current.numel:
        raise ValueError(f"[{sizes_text(sizes)}] has {math.prod(sizes)} elements, the value {current.numel}")
    if not _is_dense(current):
        raise ValueError(f"[{sizes_text(sizes)}] of a value with gaps")
    return Geometry(sizes, contiguous_stride(sizes), current.offset)


def _is_dense(geometry: Geometry) -> bool:
    step = 1
    for size, stride in sorted(zip(geometry.shape, geometry.stride, strict=True), key=lambda axis: axis[1]):
        if size != 1 and 0 not in geometry.shape:
            if stride != step:
                return False
            step *= size
    return True


def _index(text: str, current: Geometry) -> Geometry:
    parts = text.removesuffix(",").split(",")
    if len(parts) > len(current.shape):
        raise ValueError(f"{len(parts)} indices for {len(current.shape)} dimensions")
    parts += [":"] * (len(current.shape) - len(parts))
    kept: list[tuple[int, int]] = []
    offset = current.offset
    for part, size, stride in zip(parts, current.shape, current.stride, strict=True):
        start, stop, step = _bounds(part, size)
        offset += start * stride
        if ":" in part:
            kept.append((len(range(start, stop, step)), stride * step))
    return Geometry(tuple(size for size, _ in kept), tuple(stride for _, stride in kept), offset)


def _bounds(part: str, size: int) -> tuple[int, int, int]:
    if part == ":":
        return 0, size, 1
    numbers = [int(number) for number in part.split(":")]
    start, stop, step = (numbers + [numbers[0] + 1, 1][len(numbers) - 1 :])[:3]
    if not (0 <= start <= stop <= size and step > 0) or (start == stop and ":" not in part):
        raise ValueError(f"{part} is outside of a dimension of {size}")
    return start, stop, step


def _whole(target: Geometry, base: Geometry) -> str:
    if target.offset == 0 and target.numel == base.numel and target.stride == contiguous_stride(target.shape):
        return f"[{sizes_text(target.shape)}]"
    return ""


def _empty(target: Geometry, base: Geometry) -> str:
    """Nothing of a value: an empty part of it in as many dimensions, or just the sizes."""
    pairs = list(zip(target.shape, base.shape, strict=False))
    if len(target.shape) != len(base.shape) or any(size > whole for size, whole in pairs):
        return f"[{sizes_text(target.shape)}]"
    return f"[{','.join([':' if size == whole else f'0:{size}' for size, whole in pairs])}]"


def _by_splitting(target: Geometry, base: Geometry) -> str:
    """A part of a value, dimensions of which are then split."""
    groups: list[list[int]] = []
    for place, (size, stride) in enumerate(zip(target.shape, target.stride, strict=True)):
        before = groups[-1][-1] if groups else -1
        lies_within = before >= 0 and target.stride[before] == size * stride
        if lies_within and stride > 0 and _owner(target.stride[before], base) == _owner(stride, base):
            groups[-1].append(place)
        else:
            groups.append([place])
    sizes = [tuple(target.shape[place] for place in group) for group in groups]
    shape = tuple(map(math.prod, sizes))
    whole = Geometry(shape, tuple(target.stride[group[-1]] for group in groups), target.offset)
    split = [(place, group) for place, group in enumerate(sizes) if len(group) > 1]
    text = _by_own_dimensions(whole.normalised(), base) if split else ""
    # The last one first, so that the places of the others stay.
    return text and text + "".join([f".unflatten({place},{sizes_text(group)})" for place, group in reversed(split)])


def _owner(stride: int, base: Geometry) -> int | None:
    """The dimension of *base* that *stride* is a step along."""
    axes = [axis for axis in _by_stride(_spread(base)) if axis.stride <= stride]
    return axes[0].place if axes else None


def _by_memory(target: Geometry, base: Geometry) -> str:
    """Sizes under which every read dimension is a slice of one of them, then slices, order and expansion."""
    order = _by_stride(_spread(target))
    numel = base.numel
    if not order or not _is_dense(base) or order[-1].stride < 1:
        return ""
    outer = [numel, *(axis.stride for axis in order[:-1])]
    if any(wide % axis.stride for wide, axis in zip(outer, order, strict=True)):
        return ""
    full = [wide // axis.stride for wide, axis in zip(outer, order, strict=True)]
    places = sorted(axis.place for axis in order)
    sizes = [1] * len(target.shape)
    axes = list(range(len(target.shape)))
    for place, size, axis in zip(places, full, order, strict=True):
        sizes[place] = size
        axes[axis.place] = place
    if order[-1].stride > 1:
        sizes.append(order[-1].stride)
    viewed = Geometry(tuple(sizes), contiguous_stride(tuple(sizes)))
    starts = _starts(target.offset, viewed)
    lengths = {place: (axis.size, 1) for place, axis in zip(places, order, strict=True)}
    lengths |= {place: (1, 1) for place in range(len(target.shape)) if place not in lengths}
    return f"[{sizes_text(viewed.shape)}]{_index_text(viewed, starts, lengths)}{_order_text(axes, target)}"


def _by_own_dimensions(target: Geometry, base: Geometry) -> str:
    """Every read dimension is a slice of one of the value's own."""
    starts = _starts(target.offset, base)
    lead = max(len(target.shape) - len(base.shape), 0)
    if starts is None or any(
        size != 1 and stride != 0 for size, stride in zip(target.shape[:lead], target.stride, strict=False)
    ):
        return ""
    lengths: dict[int, tuple[int, int]] = {}
    source: dict[int, int] = {}
    owners = _by_stride(Axis(i, n, s) for i, (n, s) in enumerate(zip(base.shape, base.stride, strict=True)) if n != 1)
    for axis in _by_stride(_spread(target)):
        owner = next((one for one in owners if _holds(one, axis) and one.place not in lengths), None)
        if owner is None:
            return ""
        lengths[owner.place] = (axis.size, axis.stride // owner.stride)
        source[axis.place] = owner.place
    _place_ones(target, base, lead, lengths, source)
    if len(source) != len(target.shape) - lead:
        return ""
    kept = sorted(lengths)
    axes = [kept.index(source[index]) for index in range(lead, len(target.shape))]
    text = _index_text(base, starts, lengths) + _order_text(axes, target)
    return text or "[" + ",".join([":"] * len(base.shape)) + "]"


def _holds(owner: Axis, axis: Axis) -> bool:
    if owner.stride < 1 or axis.stride < owner.stride or axis.stride % owner.stride:
        return False
    return (axis.size - 1) * axis.stride <= (owner.size - 1) * owner.stride


def _place_ones(
    target: Geometry, base: Geometry, lead: int, lengths: dict[int, tuple[int, int]], source: dict[int, int]
) -> None:
    """Give each read dimension of one element (or expanded from one) a dimension of the value to come from."""
    ones = [index for index in range(lead, len(target.shape)) if index not in source]
    free = [index for index in range(len(base.shape)) if index not in lengths]
    spare = len(free) - len(ones)
    for index in [index for index in free if base.shape[index] != 1][: max(spare, 0)]:
        free.remove(index)
    for index in ones:
        own = index if index in free else free[0] if free else None
        if own is not None:
            free.remove(own)
            source[index] = own
            lengths[own] = (1, 1)


def _spread(geometry: Geometry) -> list[Axis]:
    axes = enumerate(zip(geometry.shape, geometry.stride, strict=True))
    return [Axis(index, size, stride) for index, (size, stride) in axes if size != 1 and stride != 0]


def _by_stride(axes: Iterable[Axis]) -> list[Axis]:
    return sorted(axes, key=lambda axis: (-axis.stride, axis.place))


def _starts(offset: int, base: Geometry) -> list[int] | None:
    """*offset* as one position per dimension, the widest stride first; ``None`` when it is none."""
    starts = [0] * len(base.shape)
    for axis in _by_stride(_spread(base)):
        if axis.stride > 0:
            starts[axis.place] = min(offset // axis.stride, axis.size - 1)
            offset -= starts[axis.place] * axis.stride
    return None if offset else starts


def _index_text(base: Geometry, starts: list[int] | None, lengths: dict[int, tuple[int, int]]) -> str:
    if starts is None:
        return ""
    parts = [_part(size, starts[i], lengths.get(i)) for i, size in enumerate(base.shape)]
    if all(part == ":" for part in parts):
        return ""
    if ":" not in "".join(parts):
        return f"[{','.join(parts)},]"
    while parts[-1] == ":" and ":" in "".join(parts[:-1]):
        parts.pop()
    return f"[{','.join(parts)}]"


def _part(size: int, start: int, length: tuple[int, int] | None) -> str:
    if length is None:
        return str(start)
    count, step = length
    if count == size:
        return ":"
    return f"{start}:{start + (count - 1) * step + 1}" + (f":{step}" if step > 1 else "")


def _order_text(axes: list[int], target: Geometry) -> str:
    """The step that puts *axes* in order, and the one that expands what *target* reads again and again."""
    moved = [place for place, axis in enumerate(axes) if place != axis]
    text = ""
    if len(moved) == 2:
        text = ".T" if len(axes) == 2 else f".transpose({moved[0]},{moved[1]})"
    elif moved:
        text = f".permute({sizes_text(tuple(axes))})"
    expanded = any(size != 1 and stride == 0 for size, stride in zip(target.shape, target.stride, strict=True))
    if expanded or len(axes) < len(target.shape):
        text += f".expand({sizes_text(target.shape)})"
    return text
