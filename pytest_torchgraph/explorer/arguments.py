"""What a module was made with, in a few characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

LONGEST = 40
"""Characters of a text that a module gives of itself."""


def arguments_of(module: Any) -> str:
    """``3→64, 7×7`` for a convolution, ``64`` for a norm, ``inplace=True`` for an activation; empty for a container."""
    for names, written in FORMS:
        values = [getattr(module, name, None) for name in names]
        if all(_is_plain(value) for value in values):
            return written(module, *values)
    return own_words(module)


def _is_plain(value: Any) -> bool:
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    return bool(sizes) and all(isinstance(size, (int, float)) and not isinstance(size, bool) for size in sizes)


def sizes_text(value: Any, dimensions: int = 1) -> str:
    """``3×3`` for ``(3, 3)``, and for ``3`` in two *dimensions*."""
    sizes = value if isinstance(value, (tuple, list)) else (value,) * dimensions
    return "×".join(map(str, sizes))


def dimensions_of(module: Any) -> int:
    """2 for ``MaxPool2d``."""
    return next((int(char) for char in type(module).__name__ if char in "123"), 1)


def _convolution(module: Any, channels: Any, made: Any, kernel: Any) -> str:
    more = [
        f"{name}={getattr(module, name)}"
        for name in ("groups", "dilation")
        if getattr(module, name, 1) not in (1, (1,), (1, 1), (1, 1, 1))
    ]
    return ", ".join([f"{channels}→{made}", sizes_text(kernel), *more])


def _pooling(module: Any, kernel: Any) -> str:
    stride, sizes = getattr(module, "stride", None), dimensions_of(module)
    differs = stride is not None and sizes_text(stride, sizes) != sizes_text(kernel, sizes)
    return sizes_text(kernel, sizes) + (f", stride={sizes_text(stride)}" if differs else "")


def _recurrent(_: Any, size: Any, hidden: Any, layers: Any) -> str:
    return f"{size}→{hidden}, {layers} layers" if layers != 1 else f"{size}→{hidden}"


FORMS: tuple[tuple[tuple[str, ...], Callable[..., str]], ...] = (
    (("in_channels", "out_channels", "kernel_size"), _convolution),
    (("in_features", "out_features"), lambda _, size, made: f"{size}→{made}"),
    (("num_embeddings", "embedding_dim"), lambda _, count, size: f"{count}×{size}"),
    (("num_groups", "num_channels"), lambda _, groups, channels: f"{groups}, {channels}"),
    (("num_features",), lambda _, count: str(count)),
    (("normalized_shape",), lambda _, shape: sizes_text(shape)),
    (("embed_dim", "num_heads"), lambda _, size, heads: f"{size}, {heads} heads"),
    (("input_size", "hidden_size", "num_layers"), _recurrent),
    (("kernel_size",), _pooling),
)
"""The attributes by which a kind of module is known, the more telling first, and how it is written."""


def own_words(module: Any) -> str:
    """What a module without others inside says of itself, where that is short."""
    try:
        if next(iter(module.children()), None) is not None:
            return ""
        text = module.extra_repr()
    except Exception:  # noqa: BLE001 -- a module's own words are the user's code, and nothing depends on them
        return ""
    is_short = isinstance(text, str) and len(text) <= LONGEST and "\n" not in text
    return text if is_short else ""
