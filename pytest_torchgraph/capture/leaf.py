"""A tensor beside its contents: which memory it reads and how, its gradient, its hooks, its class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.contents import reads_memory, storage_of
from pytest_torchgraph.capture.wrapper import unwraps_itself

PLAIN = (Tensor, torch.nn.Parameter)
NO_HOOKS = (None, None)


class Leaf:
    """One tensor as it was; called outside of all modes.

    ``reading`` is its storage and geometry, which ``.data``, ``resize_`` and ``t_`` change. ``pointed`` is another
    tensor that reads the same, where storage and geometry are not all there is to it.
    """

    __slots__ = ("dtype", "grad", "hooks", "is_leaf", "kind", "needs_grad", "pointed", "reading", "storage", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.kind = type(tensor)
        self.storage = storage = storage_of(tensor)
        self.reading = None if storage is None else reading_of(tensor, storage)
        self.dtype = tensor.dtype
        is_plain = (
            self.kind in PLAIN and self.reading is not None and reads_memory(tensor) and not lazily_turned(tensor)
        )
        self.pointed = None if is_plain or unwraps_itself(self.kind) else tensor.detach()
        self.is_leaf = is_leaf(tensor) and not tensor.is_inference()
        self.needs_grad = tensor.requires_grad
        self.grad = tensor.grad if self.is_leaf else None
        self.hooks: tuple[Any, Any] = (tensor._backward_hooks, tensor._post_accumulate_grad_hooks)

    def restore(self) -> None:
        """Put all but the contents back."""
        tensor: Any = self.tensor
        if type(tensor) is not self.kind:
            tensor.__class__ = self.kind
        if (self.reading is None or self._reads_now(tensor) != self.reading) and not unwraps_itself(self.kind):
            tensor.data = self.as_it_read()
        if not self.is_leaf:
            return
        if not tensor.is_leaf:  # a value that needs a gradient was written into it
            tensor.detach_()
        if tensor.requires_grad != self.needs_grad:
            tensor.requires_grad_(self.needs_grad)
        self.restore_gradient()
        self._restore_hooks(tensor)

    @staticmethod
    def _reads_now(tensor: Tensor) -> tuple[Any, ...] | None:
        storage = storage_of(tensor)
        return None if storage is None else reading_of(tensor, storage)

    def restore_gradient(self) -> None:
        """Let it have the gradient that it had."""
        if self.is_leaf and self.tensor.is_leaf and self.tensor.grad is not self.grad:
            self.tensor.grad = self.grad

    def as_it_read(self) -> Tensor:
        """A tensor that reads what this one did."""
        if self.pointed is not None or self.reading is None or self.storage is None:
            assert self.pointed is not None
            return self.pointed
        _, shape, stride, offset = self.reading
        return torch.empty(0, dtype=self.dtype, device=self.storage.device).set_(self.storage, offset, shape, stride)

    def _restore_hooks(self, tensor: Any) -> None:
        # What is in the dictionaries is put back where they lie; here only whether there are any.
        before, after = self.hooks
        if tensor._backward_hooks is not before:
            tensor._backward_hooks = before
        if tensor._post_accumulate_grad_hooks is not after:
            tensor._post_accumulate_grad_hooks = after


def reading_of(tensor: Tensor, storage: torch.UntypedStorage) -> tuple[Any, ...] | None:
    """The *storage* and the geometry of *tensor*; ``None`` where it has none, or where they are not all there is."""
    try:
        return storage._cdata, tensor.shape, tensor.stride(), tensor.storage_offset()
    except (RuntimeError, NotImplementedError):
        return None


def lazily_turned(tensor: Tensor) -> bool:
    """Whether *tensor* is read conjugated or negated, which geometry does not tell."""
    return tensor.is_neg() or (tensor.dtype.is_complex and tensor.is_conj())


def is_leaf(tensor: Tensor) -> bool:
    """Whether *tensor* is a leaf of autograd; one of several views of memory that was written since says nothing."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False
