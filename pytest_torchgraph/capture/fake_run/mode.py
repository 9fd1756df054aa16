"""The mode of a fake run: shapes of everything, and values of what is known without the model's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from pytest_torchgraph.capture.fake_run.kernels import KERNELS, UNTOLD, Plain
from pytest_torchgraph.capture.fake_run.remembering import Memory
from pytest_torchgraph.capture.outside import outside_modes

MOST_KNOWN = 2**16
"""Elements up to which the values of a tensor of integers or booleans are kept."""
aten = torch.ops.aten
FILLING: frozenset[Any] = frozenset(
    {
        *(aten.arange.default, aten.arange.start, aten.arange.start_step, aten.scalar_tensor.default),
        *(aten.zeros.default, aten.ones.default, aten.full.default, aten.eye.default, aten.eye.m),
        *(aten.tril_indices.default, aten.triu_indices.default),
    }
)
"""Operations whose results follow from their arguments, and that take no tensor."""
FILLING_LIKE: frozenset[Any] = frozenset(
    {
        *(aten.zeros_like.default, aten.ones_like.default, aten.full_like.default),
        *(aten.new_zeros.default, aten.new_ones.default, aten.new_full.default),
    }
)
"""The same of a tensor's shape, dtype and device alone."""


def is_index(tensor: Tensor) -> bool:
    """Whether *tensor* holds what a model counts or asks with, as against what it computes."""
    return not (tensor.dtype.is_floating_point or tensor.dtype.is_complex)


def fake_run_mode(notes: dict[str, None]) -> FakeTensorMode:
    """Fake tensors as PyTorch has them, which know more; what they do not know goes into *notes*.

    PyTorch keeps the value of a fake tensor of one element as long as it follows from constants. Here the values of
    integers and booleans are kept up to :data:`MOST_KNOWN` elements, and the operations that only fill a tensor make
    such values too: positions, masks and indices do not depend on any weight, and libraries branch on them.

    It is of PyTorch's own class: higher-order operators know no other.
    """
    mode: Any = FakeTensorMode(allow_non_fake_inputs=True)
    mode.may_turn_const = may_be_known
    mode.dispatch = Dispatch(mode, notes)
    mode_of_run: FakeTensorMode = mode
    return mode_of_run


def may_be_known(tensor: Tensor) -> bool:
    """Whether the values of *tensor* are kept."""
    if type(tensor) is not Tensor or tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return False
    return tensor.numel() <= (MOST_KNOWN if is_index(tensor) else 1)


class Dispatch:
    """Answers operations in the place of *mode*, which answers most of them itself."""

    def __init__(self, mode: FakeTensorMode, notes: dict[str, None]) -> None:
        self.mode = mode
        self.notes = notes
        self.plain: Plain = mode.dispatch
        self.memory = Memory(mode)

    def __call__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """The result of one operation."""
        keywords = kwargs or {}
        whole = not (func in FILLING or func in FILLING_LIKE or func in UNTOLD)
        work_out = partial(self.work_out, func, types, args, keywords)
        return self.memory.ask(func, args, keywords, work_out, whole=whole)

    def work_out(self, func: Any, types: Sequence[type], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The result, asked of whoever knows it."""
        kernel = KERNELS.get(func)
        if kernel is not None:
            return kernel(self.plain, func, types, args, kwargs)
        out = self.plain(func, types, args, kwargs)
        if func in UNTOLD:
            self.notes.update(dict.fromkeys(UNTOLD[func](args, out)))
        if func in FILLING or func in FILLING_LIKE:
            return filled(self.mode, func, args, kwargs, out)
        return out


def filled(mode: FakeTensorMode, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> Any:
    """*out*, with its values where they are kept."""
    if type(out) is not FakeTensor or not is_index(out) or out.numel() > MOST_KNOWN or out.device.type != "cpu":
        return out
    with outside_modes():
        given = [torch.empty(one.shape, dtype=one.dtype) if isinstance(one, Tensor) else one for one in args]
        values = func(*given, **{**kwargs, "device": out.device})
    return known(mode, values)


def known(mode: FakeTensorMode, values: Tensor) -> FakeTensor:
    """The fake tensor of which *values* are known."""
    fake: FakeTensor = mode.fake_tensor_converter.from_real_tensor(mode, values, make_constant=True)
    return fake
