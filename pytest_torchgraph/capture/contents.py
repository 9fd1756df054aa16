"""The bits that a tensor holds: where they lie, and their digest, so that none has to be kept to be compared."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from pytest_torchgraph.capture.wrapper import unwraps_itself

PARTS: dict[torch.layout, Callable[[Tensor], Iterable[Tensor]]] = {
    torch.sparse_coo: lambda tensor: (tensor._indices(), tensor._values()),
    torch.sparse_csr: lambda tensor: (tensor.crow_indices(), tensor.col_indices(), tensor.values()),
    torch.sparse_bsr: lambda tensor: (tensor.crow_indices(), tensor.col_indices(), tensor.values()),
    torch.sparse_csc: lambda tensor: (tensor.ccol_indices(), tensor.row_indices(), tensor.values()),
    torch.sparse_bsc: lambda tensor: (tensor.ccol_indices(), tensor.row_indices(), tensor.values()),
}


def storage_of(tensor: Tensor) -> torch.UntypedStorage | None:
    """The storage that *tensor* reads; ``None`` where it has none of its own."""
    try:
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return None


def storage_key(tensor: Tensor) -> int | None:
    """Which storage *tensor* reads, or ``None`` where it has none of its own."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):
        return None


def has_contents(tensor: Tensor) -> bool:
    """Whether there are bytes that a run could change: a fake or ``meta`` tensor has none."""
    kind = type(tensor)
    if kind is Tensor or kind is torch.nn.Parameter:
        return not tensor.is_meta  # a fifth of what it takes to ask the device
    return tensor.device.type != "meta" and kind.__name__ != "FakeTensor"


def whole_storage(tensor: Tensor) -> Tensor:
    """The bytes of the whole storage behind *tensor*, as a tensor that shares them."""
    return bytes_of(tensor.untyped_storage())


def bytes_of(storage: torch.UntypedStorage) -> Tensor:
    """The bytes of *storage*, as a tensor that shares them."""
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)


def holds_contents(tensor: Tensor) -> bool:
    """Whether there are bits to compare: not in a fake or ``meta`` tensor, nor in one that only wraps others.

    A parameter of a lazy module has not even a shape before it is made.
    """
    return has_contents(tensor) and not (unwraps_itself(type(tensor)) or is_lazy(tensor) or was_emptied(tensor))


def was_emptied(tensor: Tensor) -> bool:
    """Whether the memory of *tensor* was given back while it lives on, as sharding does with gathered weights.

    Reading it by ``set_`` would give its storage memory again.
    """
    try:
        return bool(tensor.numel()) and not tensor.untyped_storage().nbytes()
    except (RuntimeError, NotImplementedError):
        return False


def reads_memory(tensor: Tensor) -> bool:
    """Whether bytes, dtype and geometry are all there is to *tensor*: not so for quantized, sparse, nested ones.

    Forward-mode differentiation makes zeros that take no memory at all.
    """
    return tensor.layout is torch.strided and not (tensor.is_quantized or tensor.is_nested or tensor._is_zerotensor())


def bare(tensor: Tensor) -> Tensor:
    """Another reading of the same memory, without conjugation, negation or history."""
    fresh = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return fresh.set_(tensor.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride())


def digest(tensor: Tensor) -> bytes | None:
    """A digest of the elements in their order; ``None`` for a tensor without contents (fake, ``meta``, opaque)."""
    if not holds_contents(tensor):
        return None
    if reads_memory(tensor):
        return digest_of_bytes(bare(tensor).contiguous().cpu())
    if tensor._is_zerotensor():
        return b"0"
    try:
        return b"".join(digest(part) or b"?" for part in parts(tensor))
    except (RuntimeError, NotImplementedError):
        return None


def parts(tensor: Tensor) -> Iterable[Tensor]:
    """The ordinary tensors that hold what *tensor* holds."""
    if tensor.is_nested:
        return tensor.unbind()
    if tensor.is_quantized:
        return (tensor.int_repr(),)
    found = PARTS.get(tensor.layout)
    return (tensor.to_dense(),) if found is None else found(tensor)


def digest_of_bytes(tensor: Tensor) -> bytes | None:
    """A digest of contiguous host memory, without a copy and without NumPy; ``None`` where there is no memory."""
    size = tensor.numel() * tensor.element_size()
    if not size:
        return b""
    if not tensor.data_ptr():
        return None
    memory = (ctypes.c_char * size).from_address(tensor.data_ptr())
    return hashlib.blake2b(memory, digest_size=16).digest()
