"""The text of a tensor spec: ``f32[2,16]``, then what is out of the ordinary."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_torchgraph.recorded.tensor import (
    SHORT_DTYPES,
    SIZE_SYMBOLS,
    Geometry,
    Shape,
    TensorSpec,
    contiguous_stride,
    one_of,
)
from pytest_torchgraph.words.quoting import QUOTED, quote, unquote

DTYPE = rf"[a-z]\w*|{QUOTED}"
SPEC = (
    rf"(?:{DTYPE})\[[\d,?*]*\](?:@(?:[\w:]+|{QUOTED}))?"
    rf"(?: (?:stride|offset|layout)\((?:[-\w,?]*|{QUOTED})\)| geometry\((?:none|[-\d,?\[\]]*)\)"
    r"| channels_last| conj| neg)*"
)
# As many as PyTorch's own limit; without one, sizes could be multiplied for minutes.
_DIMENSIONS = 64
# 2**63 has 19 digits.
_LONGEST_SIZE = 18
_LONG_DTYPES = {short: long for long, short in SHORT_DTYPES.items()}
_SYMBOLS = {symbol: size for size, symbol in SIZE_SYMBOLS.items()}
_is_word = re.compile(r"[a-z]\w*", re.ASCII).fullmatch
_is_device = re.compile(r"[\w:]+", re.ASCII).fullmatch
_PARTS = re.compile(
    rf"(?P<dtype>{DTYPE})\[(?P<shape>[\d,?*]*)\](?:@(?P<device>[\w:]+|{QUOTED}))?(?P<rest>.*)", re.ASCII | re.DOTALL
)
_REST = re.compile(rf" (\w+)(?:\(({QUOTED}|[^ ]*)\))?", re.ASCII)


def sizes_text(sizes: Shape) -> str:
    """``2,16``; ``2,?,16`` where a nested tensor is ragged."""
    return ",".join([SIZE_SYMBOLS.get(size) or str(size) for size in sizes])


def sizes_of(text: str) -> Shape:
    """The sizes that :func:`sizes_text` wrote; negative ones included."""
    parts = text.split(",") if text else []
    if len(parts) > _DIMENSIONS:
        raise ValueError(f"a tensor has up to {_DIMENSIONS} dimensions")
    if any(len(part) > _LONGEST_SIZE for part in parts):
        raise ValueError(f"a size of more than {_LONGEST_SIZE} digits is none of a tensor")
    try:
        return tuple([_SYMBOLS[part] if part in _SYMBOLS else int(part) for part in parts])
    except ValueError:
        raise ValueError(f"no sizes of a tensor: {text!r}") from None


def dtype_text(dtype: str) -> str:
    """The short name of a dtype, its own name, or that quoted where it would be mistaken."""
    short = SHORT_DTYPES.get(dtype)
    return short or (dtype if _is_word(dtype) and dtype not in _LONG_DTYPES else quote(dtype))


def dtype_of(text: str) -> str:
    """The dtype that :func:`dtype_text` wrote."""
    return unquote(text) if text.startswith('"') else _LONG_DTYPES.get(text, text)


def channels_last_stride(shape: Shape) -> Shape | None:
    """Strides of a four- or five-dimensional tensor whose channels lie innermost, as ``normalised`` leaves them."""
    if len(shape) not in (4, 5):
        return None
    order = (0, *range(2, len(shape)), 1)
    stride = dict(zip(order, contiguous_stride(tuple(shape[axis] for axis in order)), strict=True))
    return Geometry(shape, tuple(stride[axis] for axis in range(len(shape)))).normalised().stride


@lru_cache(maxsize=65536)
def spec_text(spec: TensorSpec) -> str:
    """The spec on one line; every spec has a text of its own."""
    device = "" if spec.device == "cpu" else f"@{spec.device if _is_device(spec.device) else quote(spec.device)}"
    layout = (
        "" if spec.layout == "strided" else f" layout({spec.layout if _is_word(spec.layout) else quote(spec.layout)})"
    )
    bits = (" conj" if spec.conj else "") + (" neg" if spec.neg else "")
    return f"{dtype_text(spec.dtype)}[{sizes_text(spec.shape)}]{device}{layout}{_geometry_text(spec)}{bits}"


def _geometry_text(spec: TensorSpec) -> str:
    geometry = spec.geometry
    if geometry is None:
        return "" if spec.layout != "strided" else " geometry(none)"
    if spec.layout != "strided" or geometry.shape != spec.shape or len(geometry.stride) != len(geometry.shape):
        return f" geometry([{sizes_text(geometry.shape)}],[{sizes_text(geometry.stride)}],{geometry.offset})"
    offset = f" offset({geometry.offset})" if geometry.offset else ""
    if geometry.stride == contiguous_stride(spec.shape):
        return offset
    if geometry.stride == channels_last_stride(spec.shape):
        return " channels_last" + offset
    return f" stride({sizes_text(geometry.stride)})" + offset


@lru_cache(maxsize=65536)
def spec_of(text: str) -> TensorSpec:
    """The spec that :func:`spec_text` wrote; raises ``ValueError`` on any other text."""
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"no tensor: {text!r}")
    shape = sizes_of(parts["shape"])
    device = parts["device"] or "cpu"
    words = _words(parts["rest"])
    layout = words.get("layout", "strided")
    found = TensorSpec(
        dtype=dtype_of(parts["dtype"]),
        shape=shape,
        geometry=_geometry_of(shape, words),
        device=unquote(device) if device.startswith('"') else device,
        layout=unquote(layout) if layout.startswith('"') else layout,
        conj="conj" in words,
        neg="neg" in words,
    )
    return one_of(found)


def _words(rest: str) -> dict[str, str]:
    words: dict[str, str] = {}
    position = 0
    while position < len(rest):
        found = _REST.match(rest, position)
        if found is None or found[1] not in {"stride", "offset", "layout", "geometry", "channels_last", "conj", "neg"}:
            raise ValueError(f"no property of a tensor: {rest[position:]!r}")
        words[found[1]] = found[2] or ""
        position = found.end()
    return words


def _geometry_of(shape: Shape, words: dict[str, str]) -> Geometry | None:
    exact = words.get("geometry")
    if exact == "none" or (exact is None and "layout" in words):
        return None
    if exact is not None:
        found = re.fullmatch(r"\[([-\d,?]*)\],\[([-\d,?]*)\],(-?\d+)", exact)
        if found is None:
            raise ValueError(f"no geometry: {exact!r}")
        return Geometry(sizes_of(found[1]), sizes_of(found[2]), int(found[3]))
    stride = sizes_of(words["stride"]) if "stride" in words else contiguous_stride(shape)
    if "channels_last" in words:
        stride = channels_last_stride(shape) or stride
    if len(stride) != len(shape):
        raise ValueError(f"{len(shape)} sizes with {len(stride)} strides")
    return Geometry(shape, stride, int(words.get("offset", "0")))
