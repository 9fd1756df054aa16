"""Everything that can be seen of an object, as values that compare; written apart from what puts models back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size, type, ModuleType)
CALLED = (FunctionType, BuiltinFunctionType)
NUMBERED = (torch.utils.hooks.RemovableHandle,)
"""Objects with a number that is another in every one."""


def portrait(*roots: Any) -> list[tuple[str, object]]:
    """Path and value of everything that is reachable from *roots*; an object met again is told by its number."""
    met: dict[int, tuple[int, Any]] = {}
    return [line for place, root in enumerate(roots) for line in lines(root, str(place), met)]


def lines(value: Any, path: str, met: dict[int, tuple[int, Any]]) -> Iterator[tuple[str, object]]:
    """What is seen of *value*, and of what hangs on it."""
    if isinstance(value, (*PLAIN, *CALLED)):
        yield path, getattr(value, "__qualname__", value) if isinstance(value, (*CALLED, type)) else repr(value)
        return
    known = met.get(id(value))
    yield path, f"{type(value).__qualname__}" + (f" again, {known[0]}" if known else "")
    if known or isinstance(value, NUMBERED):
        return
    met[id(value)] = (len(met), value)
    for name, part in parts(value):
        yield from lines(part, f"{path}.{name}", met)


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The named parts of *value*."""
    if isinstance(value, Tensor):
        yield from of_tensor(value)
    elif isinstance(value, Mapping):
        yield from of_mapping(value)
    elif isinstance(value, (list, tuple, deque)):
        yield from ((str(place), part) for place, part in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield "members", sorted(map(repr, value))
    elif isinstance(value, np.ndarray):
        yield "elements", value.tolist()
    elif isinstance(value, MethodType):
        yield from (("self", value.__self__), ("function", value.__func__))
    elif isinstance(value, torch.Generator):
        yield "state", value.get_state().tolist()
    yield from attributes(value)


def attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Attributes and filled slots of an object."""
    if type(value).__module__.partition(".")[0] in {"logging", "threading", "weakref", "_thread"}:
        return
    yield from of_mapping(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        declared: Any = vars(kind).get("__slots__", ())
        for name in [declared] if isinstance(declared, str) else declared:
            if name not in {"__dict__", "__weakref__"} and hasattr(value, name):
                yield name, getattr(value, name)


def of_mapping(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The entries; a key that is an object, or the number of a hook, is told by its place.

    What a compiler or C++ notes on a tensor that it met is left out.
    """
    named = ((key if isinstance(key, str) else f"key{place}", part) for place, (key, part) in enumerate(value.items()))
    yield from ((name, part) for name, part in named if not name.startswith(("_dynamo", "_sym_")))


def of_tensor(tensor: Tensor) -> Iterator[tuple[str, Any]]:
    """Contents, reading, gradient and hooks of a tensor."""
    with torch._C.DisableTorchFunction():
        yield "spec", f"{tensor.dtype} {tensor.layout} {tensor.device} {tensor.requires_grad} {tensor.is_leaf}"
        if torch.nn.parameter.is_lazy(tensor) or tensor.device.type == "meta":
            return
        if tensor.is_leaf and tensor.grad is not None:
            yield "grad", tensor.grad
        yield from (("hooks", tensor._backward_hooks or {}), ("after", tensor._post_accumulate_grad_hooks or {}))
        if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__:
            return  # a wrapper's parts are attributes
        yield from contents(tensor.detach())


def contents(tensor: Tensor) -> Iterator[tuple[str, Any]]:
    """The elements, bit by bit where that is possible."""
    if tensor.is_nested:
        yield from ((str(place), part.tolist()) for place, part in enumerate(tensor.unbind()))
        return
    yield "shape", tuple(tensor.shape)
    if tensor.is_quantized:
        yield "elements", tensor.int_repr().tolist()
    elif tensor.layout is not torch.strided:
        yield "elements", tensor.to_dense().tolist()
    else:
        yield "stride", tensor.stride()
        plain = tensor.resolve_conj().resolve_neg()
        yield "bytes", (plain.float() if plain.dtype is torch.bfloat16 else plain).contiguous().numpy().tobytes()
