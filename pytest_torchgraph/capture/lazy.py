"""Tensors of PyTorch's lazy backend (``torch._lazy``): to ask one for its memory ends the process."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_torchgraph.capture.tensor import Identity, Raw
from pytest_torchgraph.recorded.tensor import StorageKind

if TYPE_CHECKING:
    from torch import Tensor

BACKEND = "torch._lazy.ts_backend"


class LazyTensor(RuntimeError):
    """A model computes with tensors of the lazy backend, which cannot be recorded."""


def is_loaded() -> bool:
    """Whether there can be such tensors."""
    return BACKEND in sys.modules


class WaryIdentity(Identity):
    """Refuses a lazy tensor wherever it is met first."""

    def meet(self, tensor: Tensor, kind: StorageKind, name: str | None = None) -> Raw:
        """Give *tensor* a value of its own, unless it is lazy."""
        refuse_lazy([tensor])
        return super().meet(tensor, kind, name)


def identity() -> Identity:
    """What tells the tensors of one run apart."""
    return WaryIdentity() if is_loaded() else Identity()


def refuse_lazy(tensors: Iterable[Tensor]) -> None:
    """Raise ``LazyTensor`` where one of *tensors* is of the lazy backend."""
    if is_loaded() and any(tensor.device.type == "lazy" for tensor in tensors):
        raise LazyTensor(
            "a tensor is on the device 'lazy': operations there are only noted and run later, and their memory cannot "
            "be read. Record the model on the CPU, or what torch.compile makes of it"
        )
