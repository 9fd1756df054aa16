"""Tensors of PyTorch's lazy backend (``torch._lazy``): to ask one for its memory ends the process."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from torch import Tensor

BACKEND = "torch._lazy.ts_backend"


class LazyTensor(TypeError):
    """A model computes with tensors of the lazy backend, which cannot be recorded."""


def is_loaded() -> bool:
    """Whether there can be such tensors."""
    return BACKEND in sys.modules


def refuse_lazy(tensors: Iterable[Tensor]) -> None:
    """Raise ``LazyTensor`` where one of *tensors* is of the lazy backend."""
    if is_loaded() and any(tensor.device.type == "lazy" for tensor in tensors):
        raise LazyTensor(
            "a tensor is on the device 'lazy': operations there are only noted and run later, and their memory cannot "
            "be read. Record the model on the CPU, or what torch.compile makes of it"
        )
