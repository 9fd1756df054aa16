"""Weights that PyTorch has packed for its quantized kernels: objects without a tensor, which can be unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.contents import digest
from pytest_torchgraph.capture.operation import named_entries, overloads_seen
from pytest_torchgraph.capture.tensor import FirstSight, Raw, View
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Packed, PackedTensor

if TYPE_CHECKING:
    from pytest_torchgraph.capture.module import OpenScope


@dataclass(frozen=True, slots=True)
class Contents:
    """What one object holds: how a record tells it, how many bytes that is before it was packed, and digests."""

    record: Packed
    size: int
    digests: tuple[bytes | None, ...]


def contents_of(value: Any) -> Contents | None:
    """What the object *value* holds; ``None`` where it is none that can be unpacked."""
    if not value._has_method("unpack"):
        return None
    unpacked = value.unpack()
    tensors = [one for one in (unpacked if isinstance(unpacked, tuple) else (unpacked,)) if isinstance(one, Tensor)]
    dtypes = [dtype_of(one, first=place == 0) for place, one in enumerate(tensors)]
    told = [PackedTensor(dtype, tuple(one.shape), scheme_of(one)) for dtype, one in zip(dtypes, tensors, strict=True)]
    size = sum(one.numel() * size_of(dtype) for dtype, one in zip(dtypes, tensors, strict=True))
    return Contents(Packed(tuple(told)), size, tuple(map(digest, tensors)))


def dtype_of(tensor: Tensor, *, first: bool) -> str:
    """The dtype in which a tensor is packed.

    A weight that is not quantized lies there in half precision and is unpacked to single: ``PackedLinearWeightFp16`` in
    PyTorch's ``fbgemm_utils.h`` is the only such class.
    """
    is_half = first and not tensor.is_quantized and tensor.dtype is torch.float32
    return "float16" if is_half else str(tensor.dtype).removeprefix("torch.")


def size_of(dtype: str) -> int:
    """Bytes of one element."""
    found: int = getattr(torch, dtype).itemsize
    return found


def scheme_of(tensor: Tensor) -> str:
    """``per_channel_affine``; empty for a tensor that is not quantized."""
    return str(tensor.qscheme()).removeprefix("torch.") if tensor.is_quantized else ""


class Weights:
    """The packed weights that a run reads: ``known`` by the objects in its log, ``distinct`` those that there are.

    The dispatcher wraps an object anew for every operation, so the same contents read in the same module are one.
    """

    def __init__(self, rows: list[tuple[Any, ...]], scopes: list[OpenScope]) -> None:
        self.known: dict[int, Contents] = {}
        self.distinct: dict[tuple[str, Contents], None] = {}
        if not any(overload.takes_objects for overload in overloads_seen()):
            return
        for entry in (one for one in named_entries(rows) if one.overload.takes_objects):
            for value in objects_in([entry.arguments, list((entry.keywords or {}).values())]):
                if id(value) not in self.known:
                    found = contents_of(value)
                    if found is not None:
                        self.known[id(value)] = found
                        self.distinct[scopes[entry.scope].path, found] = None

    @property
    def bytes(self) -> int:
        """Bytes of all of them."""
        return sum(one.size for _, one in self.distinct)

    def admit(self, sights: list[FirstSight], values: int) -> None:
        """Count them as parameters that were there before the run; the next value has the number *values*."""
        for number, (path, one) in enumerate(self.distinct, start=values):
            first = one.record.tensors[0]
            sight = FirstSight("parameter", f"{path}.packed{number - values}", one.size, 0)
            sight.before_run = True
            view = View(first.shape, None, 0, getattr(torch, first.dtype), torch.device("cpu"), torch.strided)
            sight.raw = Raw((number, len(sights), view))
            sights.append(sight)


def objects_in(value: Any) -> Iterator[Any]:
    """Every object among arguments."""
    if isinstance(value, torch.ScriptObject):
        yield value
    elif isinstance(value, (list, tuple)) and not isinstance(value, Raw):
        for part in value:
            yield from objects_in(part)
