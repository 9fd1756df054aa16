"""The contents of storages as they were, copied only when something is about to write to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.contents import PARTS, bytes_of, has_contents, storage_key, storage_of
from pytest_torchgraph.capture.outside import outside_modes
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.wrapper import has_memory, unwraps_itself


class Kept:
    """One guarded storage, and a copy of its bytes once something was about to write to it.

    ``after_each`` marks one that is put back after every run: that of an input or of a gradient.
    """

    __slots__ = ("after_each", "copy", "storage")

    def __init__(self, storage: torch.UntypedStorage, *, after_each: bool = False) -> None:
        self.storage = storage
        self.after_each = after_each
        self.copy: Tensor | None = None

    def keep(self) -> None:
        """Copy the bytes, unless that was done."""
        if self.copy is None:
            with outside_modes():
                self.copy = bytes_of(self.storage).clone()

    def put_back(self) -> None:
        """Write the bytes that were copied."""
        if self.copy is None:
            return
        if self.storage.nbytes() != self.copy.numel():
            self.storage.resize_(self.copy.numel())
        bytes_of(self.storage).copy_(self.copy)


class Guard:
    """Keeps the first contents of guarded tensors, and those from before the steps of optimizers.

    A storage is copied where an operation is about to write to it, by its schema. Copies are made outside of all
    modes: no mode below the recorder's, such as a proxy or fake mode inside the model, sees them.
    """

    def __init__(self, tensors: Iterable[Tensor] = ()) -> None:
        self.kept: dict[int, Kept] = {}
        self.opaque: dict[int, tuple[Tensor, Tensor | None]] = {}
        self.before_steps: dict[int, Kept] = {}
        self.stepped: set[int] = set()
        self.open_steps = 0
        for tensor in tensors:
            self.admit(tensor)

    def admit(self, tensor: Tensor, *, after_each: bool = False) -> None:
        """Guard what *tensor* holds from now on."""
        if not has_bytes(tensor):
            return
        storage = storage_of(tensor)
        if storage is not None:
            if storage._cdata not in self.kept:
                self.kept[storage._cdata] = Kept(storage, after_each=after_each)
        elif tensor.layout in PARTS:
            for part in PARTS[tensor.layout](tensor):
                self.admit(part, after_each=after_each)
        elif tensor.layout is torch._mkldnn:  # type: ignore[attr-defined]
            self.opaque.setdefault(id(tensor), (tensor, None))

    def before_write(self, overload: Overload, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """Copy every guarded storage that this operation is about to write."""
        for position in overload.written_positions:
            if position < len(args):
                self._keep(args[position])
        for name in overload.written_keywords:
            if kwargs and name in kwargs:
                self._keep(kwargs[name])
        if overload.moves_metadata and args:
            self._keep(args[0])

    def _keep(self, value: Any) -> None:
        if isinstance(value, (list, tuple)):
            for part in value:
                self._keep(part)
        elif isinstance(value, Tensor):
            key = storage_key(value)
            if key is None:
                self._keep_without_storage(value)
            else:
                self._keep_storage(key)

    def _keep_storage(self, key: int) -> None:
        kept = self.kept.get(key)
        is_first = kept is not None and kept.copy is None
        if kept is not None and is_first:
            kept.keep()
        before = self.before_steps.get(key)
        if before is None or key in self.stepped:
            return
        if not self.open_steps:
            before.copy = None  # what was copied before an earlier run's step is no longer what is there
            return
        self.stepped.add(key)
        if kept is not None and is_first:
            before.copy = kept.copy
        before.keep()

    def _keep_without_storage(self, tensor: Tensor) -> None:
        with outside_modes():
            if tensor.layout in PARTS:
                self._keep(list(PARTS[tensor.layout](tensor)))
            known, copy = self.opaque.get(id(tensor), (None, None))
            if known is tensor and copy is None:
                self.opaque[id(tensor)] = (tensor, tensor.clone())

    def admit_to_steps(self, tensors: Iterable[Tensor]) -> None:
        """Guard *tensors*, the parameters and the state of an optimizer, against its steps."""
        for tensor in tensors:
            for part in PARTS[tensor.layout](tensor) if tensor.layout in PARTS else (tensor,):
                storage = storage_of(part) if has_bytes(part) else None
                if storage is not None and storage._cdata not in self.before_steps:
                    self.before_steps[storage._cdata] = Kept(storage)

    def end_step(self) -> None:
        """The optimizer is done."""
        self.open_steps = max(self.open_steps - 1, 0)

    def unwritten(self) -> set[int]:
        """The guarded storages that nothing was about to write to yet."""
        return {key for key, kept in self.kept.items() if kept.copy is None}

    def keep_all(self, unless: set[int] | None = None) -> None:
        """Copy every guarded storage now, *unless* it is one of these."""
        for key, kept in self.kept.items():
            if unless is None or key not in unless:
                kept.keep()

    def after_run(self, *, is_warmup: bool) -> list[Callable[[], None]]:
        """What puts back inputs and gradients, and what steps wrote; that of a warm-up stays."""
        stepped = {} if is_warmup else {key: self.before_steps[key] for key in self.stepped}
        self.before_steps, self.stepped, self.open_steps = stepped, set(), 0
        return [kept.put_back for kept in (*stepped.values(), *self._after_each())]

    def _after_each(self) -> list[Kept]:
        return [kept for kept in self.kept.values() if kept.after_each and kept.copy is not None]

    def restore(self) -> list[Callable[[], None]]:
        """What puts the first contents back."""
        opaque = [(tensor, copy) for tensor, copy in self.opaque.values() if copy is not None]
        return [
            *(kept.put_back for kept in self.kept.values() if kept.copy is not None),
            *(lambda tensor=tensor, copy=copy: setattr(tensor, "data", copy.clone()) for tensor, copy in opaque),
        ]


def has_bytes(tensor: Tensor) -> bool:
    """Whether *tensor* itself holds bytes: not a fake one, nor one that only wraps others."""
    return has_contents(tensor) and (not unwraps_itself(type(tensor)) or has_memory(tensor))
