"""The contents of storages as they were, copied only when something is about to write to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.contents import PARTS, has_contents, storage_key, storage_of
from pytest_torchgraph.capture.outside import outside_modes
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.wrapper import has_memory, unwraps_itself


class Kept:
    """The contents of one storage, or of a tensor that has none of its own, copied once something is about to write.

    ``after_each`` marks those that are put back after every run: of an input or of a gradient.
    """

    __slots__ = ("after_each", "copy", "original")

    def __init__(self, original: torch.UntypedStorage | Tensor, *, after_each: bool = False) -> None:
        self.original = original
        self.after_each = after_each
        self.copy: torch.UntypedStorage | Tensor | None = None

    def keep(self) -> None:
        """Copy the contents, unless that was done."""
        if self.copy is None:
            with outside_modes():
                self.copy = self.original.clone()

    def put_back(self) -> None:
        """Write what was copied; called outside of all modes."""
        original, copy = self.original, self.copy
        if copy is None:
            return
        if isinstance(original, Tensor):
            assert isinstance(copy, Tensor)
            if original.layout in PARTS:
                original.resize_as_sparse_(copy)
            original.copy_(copy)
            return
        assert isinstance(copy, torch.UntypedStorage)
        if original.nbytes() != copy.nbytes():
            original.resize_(copy.nbytes())
        original.copy_(copy)


class Guard:
    """Keeps the first contents of guarded tensors, and those from before the steps of optimizers.

    Contents are copied where an operation is about to write, by its schema. Copies are made outside of all modes: no
    mode below the recorder's, such as a proxy or fake mode inside the model, sees them. A storage is known by the
    address of what it is in C++, a tensor without one by a negative number; ``owners`` are such tensors by the
    storages of their parts.
    """

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}
        self.before_steps: dict[int, Kept] = {}
        self.stepped: set[int] = set()
        self.open_steps = 0
        self.owners: dict[int, tuple[int, torch.UntypedStorage]] = {}

    def admit(self, tensor: Tensor, storage: torch.UntypedStorage | None = None, *, after_each: bool = False) -> None:
        """Guard what *tensor* holds from now on, in *storage* where that is known to be its own."""
        for key, original in self._originals(tensor, storage):
            if key not in self.kept:
                self.kept[key] = Kept(original, after_each=after_each)

    def admit_to_steps(self, tensors: Iterable[Tensor]) -> None:
        """Guard *tensors*, the parameters and the state of an optimizer, against its steps."""
        for tensor in tensors:
            for key, original in self._originals(tensor):
                if key not in self.before_steps:
                    self.before_steps[key] = Kept(original)

    def _originals(
        self, tensor: Tensor, storage: torch.UntypedStorage | None = None
    ) -> tuple[tuple[int, torch.UntypedStorage | Tensor], ...]:
        if not has_bytes(tensor):
            return ()
        storage = storage_of(tensor) if storage is None else storage
        if storage is not None:
            return ((storage._cdata, storage),)
        for part in PARTS[tensor.layout](tensor) if tensor.layout in PARTS else ():
            storage = part.untyped_storage()
            self.owners[storage._cdata] = (-id(tensor), storage)
        return ((-id(tensor), tensor),)

    def before_write(self, overload: Overload, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> None:
        """Copy every guarded storage that this operation is about to write."""
        flag = overload.training_flag
        if flag is not None and len(args) > flag and not args[flag]:
            return  # only training writes the running statistics
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
            self._keep_contents(-id(value) if key is None else self.owners[key][0] if key in self.owners else key)

    def _keep_contents(self, key: int) -> None:
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
        return [kept.put_back for kept in self.kept.values() if kept.copy is not None]


def has_bytes(tensor: Tensor) -> bool:
    """Whether *tensor* itself holds bytes: not a fake one, nor one that only wraps others."""
    return has_contents(tensor) and (not unwraps_itself(type(tensor)) or has_memory(tensor))
