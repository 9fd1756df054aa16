"""Fake tensors in the place of real ones: the same objects for whoever holds them, without their contents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, UnsupportedFakeTensorException
from torch.nn.parameter import is_lazy

from pytest_torchgraph.capture.contents import bytes_of
from pytest_torchgraph.capture.fake import converted
from pytest_torchgraph.capture.fake_run.mode import known, may_be_known
from pytest_torchgraph.capture.outside import outside_modes
from pytest_torchgraph.capture.picture import Picture
from pytest_torchgraph.capture.wrapper import inside, unwraps_itself


class NoStandIn(TypeError):
    """A tensor of the model or its inputs is of a kind that fake tensors cannot stand in for."""


@contextmanager
def stood_in(roots: Iterable[Any], mode: FakeTensorMode) -> Iterator[None]:
    """While the context is open, every tensor reachable from *roots* is a fake one; then each is what it was.

    What a tensor object stands for is exchanged, not the object: closures, hooks, optimizers and ties between modules
    see the same objects as ever, and no contents are copied or touched. Tensors inside of TorchScript stay as they
    are.
    """
    with outside_modes():
        tensors = [tensor for tensor in reachable(roots) if not is_of(tensor, mode)]
        fakes = StandIns(mode).of(tensors)
    exchanged: list[tuple[Tensor, Tensor]] = []
    try:
        for real, fake in zip(tensors, fakes, strict=True):
            exchange(real, fake)
            exchanged.append((real, fake))
        know_again(mode, tensors)
        yield
    finally:
        for real, fake in reversed(exchanged):
            exchange(real, fake)


def is_of(tensor: Tensor, mode: FakeTensorMode) -> bool:
    """Whether *tensor* is a fake one of *mode*, or wraps such."""
    if getattr(tensor, "fake_mode", None) is mode:
        return True
    return unwraps_itself(type(tensor)) and any(is_of(part, mode) for _, part in inside(tensor))


def reachable(roots: Iterable[Any]) -> list[Tensor]:
    """Every tensor that hangs on *roots*, gradients apart: those come with their tensors."""
    picture = Picture()
    picture.add(*roots)
    scripts = [module for module, _ in picture.modules if isinstance(module, torch.jit.ScriptModule)]
    inside = {id(tensor) for module in scripts for tensor in (*module.parameters(), *module.buffers())}
    found = [leaf.tensor for leaf in picture.leaves]
    # What a fake tensor is known to hold has to stay what it is: PyTorch computes with it.
    inside.update(id(tensor.constant) for tensor in found if isinstance(tensor, FakeTensor))
    return [tensor for tensor in found if id(tensor) not in inside]


def exchange(one: Any, other: Any) -> None:
    """Let *one* stand for what *other* did, and the other way round; hooks stay with the object that has them."""
    one.__class__, other.__class__ = other.__class__, one.__class__
    one.__dict__, other.__dict__ = other.__dict__, one.__dict__
    torch._C._swap_tensor_impl(one, other)
    for tensor in (one, other):
        keep_hooks(tensor)


@contextmanager
def exchanging() -> Iterator[None]:
    """Let ``module.to(dtype)`` exchange fake parameters that something looks at weakly, which PyTorch refuses."""
    plain = torch.utils.swap_tensors
    torch.utils.swap_tensors = exchange
    try:
        yield
    finally:
        torch.utils.swap_tensors = plain


def know_again(mode: FakeTensorMode, tensors: Iterable[Any]) -> None:
    """Let *mode* find the tensors by their values: what is written in place stays the same object."""
    converter = mode.fake_tensor_converter
    for tensor in tensors:
        if getattr(tensor, "constant", None) is not None:
            converter.set_tensor_memo(tensor.constant, tensor)
            converter.add_constant_storage_mapping(tensor)


def keep_hooks(tensor: Any) -> None:
    """Let the hooks that *tensor* has be called for what it stands for now."""
    if tensor._backward_hooks is not None:
        tensor._backward_hooks = tensor._backward_hooks
    if tensor._post_accumulate_grad_hooks is not None:
        tensor._post_accumulate_grad_hooks = tensor._post_accumulate_grad_hooks


class StandIns:
    """Makes fake tensors that share memory, gradients and attributes as the real ones do."""

    def __init__(self, mode: FakeTensorMode) -> None:
        self.mode = mode
        self.contents: dict[int, torch.UntypedStorage] = {}

    def of(self, tensors: list[Tensor]) -> list[Tensor]:
        """A fake tensor for each of *tensors*."""
        return [self.one(tensor) for tensor in tensors]

    def one(self, real: Tensor) -> Tensor:
        """The fake tensor for *real*, with its attributes and hooks."""
        try:
            fake = self._fake(real)
        except (UnsupportedFakeTensorException, NotImplementedError) as error:
            raise NoStandIn(
                f"fake=True cannot replace a tensor of the model or its inputs: {kind_of(real)} {list(real.shape)}, "
                f"of which PyTorch makes no fake tensor ({error})"
            ) from error
        own = vars(fake)
        own.update({name: value for name, value in vars(real).items() if name not in own})
        return fake

    def _fake(self, real: Tensor) -> Tensor:
        if isinstance(real, FakeTensor):
            raise NoStandIn(
                "the model or its inputs are fake tensors already: leave fake=True out to record such a run"
            )
        if is_lazy(real):
            raise NoStandIn(
                "fake=True takes no lazy modules before their first call: call the model once, or name the sizes"
            )
        if real.is_meta and type(real) in {Tensor, torch.nn.Parameter}:
            return self._on_host(real)
        if self._is_known(real):
            return known(self.mode, self._copy(real))
        return converted(self.mode, real)

    def _on_host(self, real: Tensor) -> Tensor:
        """The fake tensor on the host for one on ``meta``, which shares its memory."""
        fake: Any = self.mode.fake_tensor_converter.from_meta_and_device(self.mode, real, torch.device("cpu"))
        if isinstance(real, torch.nn.Parameter):
            fake._is_param = True
        on_host: Tensor = fake
        return on_host

    def _is_known(self, real: Tensor) -> bool:
        """Whether the values of *real* are kept: those of no weight."""
        plain = type(real) is Tensor and not real.requires_grad and real.grad_fn is None
        return plain and not real.is_quantized and may_be_known(real)

    def _copy(self, real: Tensor) -> Tensor:
        """A copy of the values of *real*, in which memory is shared as among the real ones."""
        storage = real.untyped_storage()
        copied = self.contents.get(storage._cdata)
        if copied is None:
            small = storage.nbytes() <= 2 * real.numel() * real.element_size()
            if not small:
                return real.clone()
            copied = self.contents[storage._cdata] = bytes_of(storage).clone().untyped_storage()
        fresh = torch.empty(0, dtype=real.dtype)
        return fresh.set_(copied, real.storage_offset(), real.shape, real.stride())


def kind_of(tensor: Tensor) -> str:
    """What kind of tensor it is, in PyTorch's words."""
    layout = "" if tensor.layout is torch.strided else f", {str(tensor.layout).removeprefix('torch.')}"
    return f"{type(tensor).__name__} of {str(tensor.dtype).removeprefix('torch.')}{layout}"
