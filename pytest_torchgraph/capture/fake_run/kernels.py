"""Where PyTorch's fake kernels say something else than its kernels for the processor do, or refuse what those take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from pytest_torchgraph.recorded.note import Told

Plain: TypeAlias = "Callable[[Any, Any, Sequence[Any], Mapping[str, Any]], Any]"
aten = torch.ops.aten
functional = torch.ops._c10d_functional


def normalised(plain: Plain, func: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A norm; with weights of another dtype than the input, the processor keeps mean and deviation in that of weights.

    PyTorch's fake kernel has them in the dtype of the input.
    """
    out = plain(func, types, args, kwargs)
    weights = next((one for one in args[1:] if isinstance(one, Tensor)), None)
    if weights is None or weights.dtype == args[0].dtype or args[0].device.type != "cpu":
        return out
    return (out[0], *(torch.empty_like(one, dtype=weights.dtype) for one in out[1:]))


def normalised_backward(plain: Plain, func: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The gradients of a norm: on the processor each has the dtype of what it is the gradient of.

    PyTorch's fake kernels have them in one dtype where input and weights differ; of a layer norm, 2.9 alone.
    """
    out = plain(func, types, args, kwargs)
    if args[0].device.type != "cpu":
        return out
    weight = next((one for one in args[-3::-1] if isinstance(one, Tensor)), args[1])
    kinds = (args[1].dtype, weight.dtype, weight.dtype)
    return tuple(
        torch.empty_like(one, dtype=kind) if isinstance(one, Tensor) else one
        for one, kind in zip(out, kinds, strict=True)
    )


def multiplied_in_groups(plain: Plain, func: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Products of groups; the processor takes any floating-point dtype, PyTorch's fake kernel ``bfloat16`` alone."""
    left = args[0]
    if left.dtype == torch.bfloat16:
        return plain(func, types, args, kwargs)
    named = {name: taken_as_bfloat16(one) for name, one in kwargs.items()} | {"out_dtype": None}
    out = plain(func, types, [taken_as_bfloat16(one) for one in args], named)
    return torch.empty_like(out, dtype=kwargs.get("out_dtype") or left.dtype)


def taken_as_bfloat16(value: Any) -> Any:
    """*value*; of a tensor of floating-point numbers, one of that dtype."""
    is_number = isinstance(value, Tensor) and value.is_floating_point()
    return torch.empty_like(value, dtype=torch.bfloat16) if is_number else value


def waited_for(plain: Plain, func: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG001
    """What a collective made, when it is there: that very tensor; PyTorch's fake kernel makes another one."""
    return args[0]


KERNELS: dict[Any, Callable[..., Any]] = {
    aten.native_layer_norm.default: normalised,
    aten.native_group_norm.default: normalised,
    aten.native_batch_norm.default: normalised,
    aten._native_batch_norm_legit.default: normalised,
    aten._native_batch_norm_legit.no_stats: normalised,
    aten.native_layer_norm_backward.default: normalised_backward,
    aten.native_group_norm_backward.default: normalised_backward,
    **({functional.wait_tensor.default: waited_for} if hasattr(functional, "wait_tensor") else {}),
    **({aten._grouped_mm.default: multiplied_in_groups} if hasattr(aten, "_grouped_mm") else {}),
}
"""What is asked in the place of PyTorch's own fake kernel, by operation."""


def without_work_space(_: Sequence[Any], out: Any) -> tuple[str, ...]:
    """What is to be said of a recurrent layer whose work space has no size."""
    if out[-1].numel():
        return ()
    return (
        Told(
            "fake run: oneDNN's work space of a recurrent layer is not counted: only its kernel knows how large it is"
        ),
    )


def without_elements(_: Sequence[Any], out: Any) -> tuple[str, ...]:
    """What is to be said of a sparse tensor without elements."""
    if out._nnz():
        return ()
    return (Told("fake run: a sparse tensor is counted without elements: how many it has depends on what it holds"),)


UNTOLD: dict[Any, Callable[[Sequence[Any], Any], tuple[str, ...]]] = {
    aten.mkldnn_rnn_layer.default: without_work_space,
    aten.sparse_mask.default: without_elements,
    aten._to_sparse.default: without_elements,
    aten._to_sparse.sparse_dim: without_elements,
}
"""What a fake kernel leaves open, by operation: told in notes."""
