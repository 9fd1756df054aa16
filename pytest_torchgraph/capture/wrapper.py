"""Tensors that only wrap others: a ``DTensor``, a jagged tensor, a quantized weight. Operations see what is inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

KEPT = frozenset({"FakeTensor", "FunctionalTensor", "LocalTensor"})
"""PyTorch's own: for tracing, and one that stands for the tensors of all ranks at once."""


def unwraps_itself(kind: type) -> bool:
    """Whether tensors of *kind* run other operations on tensors inside them, which are then the ones to record."""
    known = _unwraps.get(kind)
    if known is None:
        own = getattr(kind, "__torch_dispatch__", None)
        is_own = own is not None and own is not getattr(Tensor, "__torch_dispatch__", None)
        known = _unwraps[kind] = is_own and issubclass(kind, Tensor) and kind.__name__ not in KEPT
    return known


_unwraps: dict[type, bool] = {}


def unwrapped(named: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor, each wrapper replaced by the tensors inside it: ``weight`` by ``weight._local_tensor``."""
    for path, tensor in named:
        inner = list(inside(tensor)) if unwraps_itself(type(tensor)) else []
        if inner:
            yield from unwrapped((f"{path}.{name}" if path else name, part) for name, part in inner)
        else:
            yield path, tensor


def named_parameters(modules: Iterable[tuple[str, nn.Module]]) -> Iterator[tuple[str, Tensor]]:
    """Every parameter of *modules* by path, wrappers as they are; one with several names keeps the first."""
    seen: set[int] = set()
    for path, module in modules:
        for name, value in module._parameters.items():  # `named_parameters` asks the same, and takes ten times as long
            if value is not None and id(value) not in seen and not is_lazy(value):
                seen.add(id(value))
                yield f"{path}.{name}" if path else name, value


def inside(tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The tensors that *tensor* wraps by attribute name; none when it has memory of its own."""
    if hasattr(tensor, "__tensor_flatten__"):
        names = tensor.__tensor_flatten__()[0]
    else:
        names = [] if has_memory(tensor) else list(vars(tensor))
    parts = ((name, getattr(tensor, name)) for name in names)
    yield from ((name, part) for name, part in parts if isinstance(part, Tensor))


def has_memory(tensor: Tensor) -> bool:
    """Whether *tensor* reads a storage that holds bytes."""
    try:
        return tensor.untyped_storage().data_ptr() != 0
    except (RuntimeError, NotImplementedError):
        return False
