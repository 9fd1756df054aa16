"""API calls that the dispatcher takes apart, kept for their meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def attention_calls(where: Where, read: Callable[[Tensor], Raw]) -> Iterator[list[OpenCall]]:
    """Collect the ``scaled_dot_product_attention`` calls made while the context is open.

    The operator has no kernel of its own on the common devices, only a decomposition. A kernel that notes its
    arguments and decomposes catches every caller, those in C++ and those that imported the function early included.
    """
    calls: list[OpenCall] = []
    operator = torch.ops.aten.scaled_dot_product_attention.default
    names = [argument.name for argument in operator._schema.arguments]
    defaults = {argument.name: argument.default_value for argument in operator._schema.arguments[3:]}

    def note(*args: Any, **kwargs: Any) -> Any:
        if where.call is not None:
            return operator.decompose(*args, **kwargs)
        given = defaults | dict(zip(names, args, strict=False)) | kwargs
        calls.append(
            OpenCall(
                ATTENTION,
                tuple(read_one(given.pop(name), read) for name in names[:3]),
                {name: read_one(given[name], read) for name in names[3:]},
                where.scope,
                user_frame(2),
            )
        )
        where.call = len(calls) - 1
        try:
            return operator.decompose(*args, **kwargs)
        finally:
            where.call = None

    library = torch.library.Library("aten", "IMPL")
    try:
        for key in DISPATCH_KEYS:
            library.impl(ATTENTION, note, key)
        yield calls
    finally:
        library._destroy()
