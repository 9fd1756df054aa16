"""API calls that the dispatcher takes apart, kept for their meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.operation import Where, read_one
from pytest_torchgraph.capture.source import user_frame
from pytest_torchgraph.capture.tensor import Raw

DISPATCH_KEYS = ("CPU", "AutogradCPU", "CUDA", "AutogradCUDA")
ATTENTION = "scaled_dot_product_attention"


class OpenCall:
    """One API call: its arguments by name, and where it was made."""

    __slots__ = ("arguments", "frame", "keywords", "name", "scope")

    def __init__(self, name: str, arguments: Any, keywords: Any, scope: int, frame: Any) -> None:
        self.name = name
        self.arguments = arguments
        self.keywords = keywords
        self.scope = scope
        self.frame = frame


class Noting:
    """Notes the calls of one run."""

    def __init__(self, where: Where, read: Callable[[Tensor], Raw]) -> None:
        self.where = where
        self.read = read
        self.calls: list[OpenCall] = []

    def open(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note a call that begins."""
        names, defaults = attention_parameters()
        given = defaults | dict(zip(names, args, strict=False)) | kwargs
        self.calls.append(
            OpenCall(
                ATTENTION,
                tuple(read_one(given.pop(name), self.read) for name in names[:3]),
                {name: read_one(given[name], self.read) for name in names[3:]},
                self.where.scope,
                user_frame(3),
            )
        )
        self.where.call = len(self.calls) - 1


_noting: list[Noting] = []


def attention_kernel(*args: Any, **kwargs: Any) -> Any:
    """``scaled_dot_product_attention`` by its decomposition, noted where a run is followed.

    One function for all runs: PyTorch keeps every kernel that it was ever given, and all that a closure holds.
    """
    operator = torch.ops.aten.scaled_dot_product_attention.default
    noting = _noting[-1] if _noting else None
    if noting is None or noting.where.call is not None:
        return operator.decompose(*args, **kwargs)
    noting.open(args, kwargs)
    try:
        return operator.decompose(*args, **kwargs)
    finally:
        noting.where.call = None


@cache
def attention_parameters() -> tuple[list[str], dict[str, Any]]:
    """The names of its arguments, and the defaults of those that have one."""
    arguments = torch.ops.aten.scaled_dot_product_attention.default._schema.arguments
    return [each.name for each in arguments], {each.name: each.default_value for each in arguments[3:]}


@contextmanager
def attention_calls(where: Where, read: Callable[[Tensor], Raw]) -> Iterator[list[OpenCall]]:
    """Collect the ``scaled_dot_product_attention`` calls made while the context is open.

    The operator has no kernel of its own on the common devices, only a decomposition. A kernel that notes its
    arguments and decomposes catches every caller, those in C++ and those that imported the function early included.
    """
    library = torch.library.Library("aten", "IMPL")
    _noting.append(Noting(where, read))
    try:
        for key in DISPATCH_KEYS:
            library.impl(ATTENTION, attention_kernel, key)
        yield _noting[-1].calls
    finally:
        _noting.pop()
        library._destroy()
