"""What a run may change and tracing puts back: contents, registrations, training mode, hooks, random state."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from pytest_torchgraph.capture.schema import Overload

REGISTRIES = (
    "_parameters",
    "_buffers",
    "_modules",
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


class Guard:
    """Keeps the first contents of guarded tensors, copied only when something is about to write to them.

    Copies are made inside the dispatch handler, where no mode is active, so they are not recorded.
    """

    def __init__(self, tensors: list[Tensor]) -> None:
        self.kept: dict[int, tuple[Tensor, Tensor | None]] = {}
        with _disable_current_modes():
            for tensor in tensors:
                key = storage_key(tensor)
                if key is not None and key not in self.kept and has_contents(tensor):
                    self.kept[key] = (whole_storage(tensor), None)

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
            whole, copy = self.kept.get(key, (None, None)) if key is not None else (None, None)
            if whole is not None and copy is None and key is not None:
                self.kept[key] = (whole, whole.clone())

    def written(self) -> set[int]:
        """The guarded storages that were copied: those that something was about to write to."""
        return {key for key, (_, copy) in self.kept.items() if copy is not None}

    def keep_all(self, only: set[int] | None = None) -> None:
        """Copy every guarded storage now, or *only* some."""
        for key, (whole, copy) in self.kept.items():
            if copy is None and (only is None or key in only):
                self.kept[key] = (whole, whole.clone())

    def restore(self) -> None:
        """Put the first contents back."""
        with torch.no_grad(), _disable_current_modes():
            for whole, copy in self.kept.values():
                if copy is not None:
                    whole.copy_(copy)


def storage_key(tensor: Tensor) -> int | None:
    """Which storage *tensor* reads, or ``None`` where it has none of its own."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):
        return None


def reading_of(tensor: Tensor) -> tuple[object, ...] | None:
    """Storage and geometry of *tensor*, which ``.data``, ``resize_`` and ``t_`` change; ``None`` without a storage."""
    key = storage_key(tensor)
    return None if key is None else (key, tensor.shape, tensor.stride(), tensor.storage_offset())


def has_contents(tensor: Tensor) -> bool:
    """Whether there are bytes that a run could change: a fake or ``meta`` tensor has none."""
    return tensor.device.type != "meta" and type(tensor).__name__ != "FakeTensor"


def whole_storage(tensor: Tensor) -> Tensor:
    """The bytes of the whole storage behind *tensor*, as a tensor that shares them."""
    return torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())


class Checkpoint:
    """The state of modules, tensors and random generators at one moment."""

    def __init__(self, modules: list[tuple[str, nn.Module]], tensors: list[Tensor], *undo: Callable[[], None]) -> None:
        self.guard = Guard(tensors)
        self._undo: list[Callable[[], None]] = list(undo)
        for _, module in modules:
            if not isinstance(module, torch.jit.ScriptModule):
                self._undo.extend(module_undo(module))
        for tensor in tensors:
            self._undo.extend(tensor_undo(tensor))
        self._undo.append(random_undo())

    def restore(self) -> None:
        """Put everything back; each part is tried even if another fails."""
        with torch.no_grad():
            failures: list[Exception] = []
            for undo in (self.guard.restore, *self._undo):
                try:
                    undo()
                except Exception as error:  # noqa: BLE001 -- the remaining parts must still be put back
                    failures.append(error)
        if failures:
            raise failures[0]


def module_undo(module: nn.Module) -> Iterator[Callable[[], None]]:
    """What puts back a module's training flag and its registries.

    A buffer that the run registered, or filled where it was ``None``, is a cache and stays the model's own, like one in
    a plain attribute. A lazy module that became another class in its first call is left as it built itself.
    """
    kind, training = type(module), module.training
    # Most registries of most modules are empty: no copy is made of those.
    kept = [(name, dict(entries) if entries else {}) for name, entries in registries_of(module)]

    def undo() -> None:
        if type(module) is not kind:
            return
        module.training = training
        for name, entries in kept:
            registry = module.__dict__[name]
            if not (registry or entries):
                continue
            caches = caches_in(registry, entries) if name == "_buffers" else {}
            if len(registry) != len(entries) or any(registry.get(key) is not entries[key] for key in entries):
                registry.clear()
                registry.update(entries | caches)

    yield undo


def registries_of(module: nn.Module) -> Iterator[tuple[str, dict[Any, Any]]]:
    """The registries that *module* has, by name."""
    own = module.__dict__
    for name in REGISTRIES:
        entries = own.get(name)
        if entries is not None:
            yield name, entries


def caches_in(registry: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The entries of *registry* that were not there before, or were ``None``."""
    return {name: value for name, value in registry.items() if before.get(name) is None}


def tensor_undo(tensor: Tensor) -> Iterator[Callable[[], None]]:
    """What puts back how a leaf tensor reads which storage, its gradient and whether it needs one."""
    if not tensor.is_leaf or tensor.is_inference():
        return
    needs_grad, grad = tensor.requires_grad, tensor.grad
    reading = reading_of(tensor)
    pointed = tensor.detach() if reading is not None else None

    def undo() -> None:
        if pointed is not None and reading_of(tensor) != reading:
            tensor.data = pointed
        if not tensor.is_leaf:  # a value that needs a gradient was written into it
            tensor.detach_()
        if tensor.requires_grad != needs_grad:
            tensor.requires_grad_(needs_grad)
        if tensor.grad is not grad:
            tensor.grad = grad

    yield undo


def random_undo() -> Callable[[], None]:
    """What puts back the random state of PyTorch (and its devices in use), Python and NumPy."""
    torch_state = torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    python_state = random.getstate()
    numpy = sys.modules.get("numpy")
    numpy_state = numpy.random.get_state() if numpy is not None else None

    def undo() -> None:
        torch.set_rng_state(torch_state)
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)
        random.setstate(python_state)
        if numpy is not None:
            numpy.random.set_state(numpy_state)

    return undo
