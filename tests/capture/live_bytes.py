"""A second count of live memory that shares nothing with the recorder: storages by weak reference, after each call."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all storages that were seen and still live; ``peak`` is the most after any operation."""

    def __init__(self, held: Iterator[Tensor]) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}
        self.references: dict[int, weakref.ref[Any]] = {}
        for tensor in held:
            self.see(tensor)
        self.peak = self.now()

    def now(self) -> int:
        return sum(self.sizes.values())

    def see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self.references:
            self.sizes[key] = storage.nbytes()
            self.references[key] = weakref.ref(storage, lambda _: (self.sizes.pop(key), self.references.pop(key)))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in tree_leaves((args, kwargs, out)):
            if isinstance(one, Tensor):
                self.see(one)
        self.peak = max(self.peak, self.now())
        return out


def peak_of_step(model: torch.nn.Module, x: Tensor, loss: Callable[[Any], Tensor] = torch.sum) -> int:
    """The most live bytes of a forward and backward pass, without anything of this project."""
    model.zero_grad()
    gc.collect()
    gc.disable()
    try:
        with LiveBytes(iter([*model.parameters(), *model.buffers(), x])) as count:
            output = model(x)
            made = loss(output)
            made.backward()
            del output, made
    finally:
        gc.enable()
        model.zero_grad()
    return count.peak
