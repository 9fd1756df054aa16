"""Shapes that an operation was found to make, kept: a deep model asks for the same ones in every layer.

PyTorch keeps them too, by a key that costs more than what is found by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, in_kernel_invocation_manager

from pytest_torchgraph.quick import dataclass

SCALARS = frozenset({int, float, bool, type(None), str, torch.dtype, torch.layout, torch.memory_format, torch.device})
Key: TypeAlias = "tuple[Any, ...]"


@dataclass(frozen=True, slots=True)
class Fresh:
    """A tensor in memory of its own."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    def make(self, mode: FakeTensorMode) -> FakeTensor:
        """Another such tensor."""
        empty = torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device="meta")
        return FakeTensor(mode, empty, self.device)


class Itself:
    """The first argument, which was written."""


ITSELF = Itself()
Answer: TypeAlias = "Itself | Fresh | tuple[Fresh | None, ...]"


class Memory:
    """What operations made of which operands; shapes depend on nothing else."""

    def __init__(self, mode: FakeTensorMode) -> None:
        self.mode = mode
        self.answers: dict[Key, Answer] = {}

    def ask(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], work_out: Callable[[], Any], *, whole: bool
    ) -> Any:
        """The result of *func*, which is worked out the first time; always where *whole* is not so."""
        key = key_of(func, args, kwargs) if whole else None
        if key is None:
            return work_out()
        answer = self.answers.get(key)
        if answer is None:
            out = work_out()
            found = answer_for(func, args, kwargs, out)
            if found is not None:
                self.answers[key] = found
            return out
        return self._made(answer, args)

    def _made(self, answer: Answer, args: Sequence[Any]) -> Any:
        if isinstance(answer, Itself):
            return args[0]
        with in_kernel_invocation_manager(self.mode):
            if isinstance(answer, Fresh):
                return answer.make(self.mode)
            return tuple([None if one is None else one.make(self.mode) for one in answer])


def key_of(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key | None:
    """What the shapes of results follow from; ``None`` where that may be more than shapes."""
    parts: list[Any] = [func]
    if not read_into(parts, args):
        return None
    if kwargs:
        for name, value in kwargs.items():
            parts.append(name)
            if not read_into(parts, (value,)):
                return None
    return tuple(parts)


def read_into(parts: list[Any], values: Sequence[Any]) -> bool:
    """Add to *parts* what the results may depend on; ``False`` where that is not known."""
    for value in values:
        kind = type(value)
        if kind is FakeTensor:
            if value.constant is not None or value.layout is not torch.strided or value.dtype.is_complex:
                return False
            parts += (value.shape, value.stride(), value.dtype, value.fake_device)
        elif kind in SCALARS:
            parts += (kind, value)
        elif kind in {list, tuple} or issubclass(kind, (list, tuple)):
            parts += (kind, len(value))
            if not read_into(parts, value):
                return False
        else:
            return False
    return True


def answer_for(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> Answer | None:
    """What to keep of *out*; ``None`` where it shares memory with an operand or is no plain tensor."""
    if not isinstance(func, torch._ops.OpOverload) or torch.Tag.inplace_view in func.tags:
        return None
    if args and out is args[0] and isinstance(out, Tensor):
        return ITSELF
    if func._schema.is_mutable:
        return None
    taken = storages_of((*args, *kwargs.values()))
    if type(out) is FakeTensor:
        return fresh(out, taken)
    if type(out) is not tuple:
        return None
    found = [None if one is None else fresh(one, taken) for one in out]
    whole = all((one is None) == (made is None) for one, made in zip(out, found, strict=True))
    return tuple(found) if whole and len(storages_of(out)) == sum(one is not None for one in out) else None


def fresh(out: Any, taken: set[int]) -> Fresh | None:
    """What to keep of one result."""
    if type(out) is not FakeTensor or out.constant is not None or out.layout is not torch.strided:
        return None
    if out.dtype.is_complex or out.storage_offset() or out.untyped_storage()._cdata in taken:
        return None
    made = Fresh(tuple(out.shape), out.stride(), out.dtype, out.fake_device)
    return made if out.untyped_storage().nbytes() == span_of(made) else None


def span_of(made: Fresh) -> int:
    """Bytes that a fresh tensor of that shape takes."""
    if 0 in made.shape:
        return 0
    last = sum((size - 1) * step for size, step in zip(made.shape, made.stride, strict=True))
    return int((last + 1) * made.dtype.itemsize)


def storages_of(values: Any) -> set[int]:
    """The storages of every tensor among *values*."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, (list, tuple)):
            found |= storages_of(value)
        elif isinstance(value, FakeTensor) and value.layout is torch.strided:
            found.add(value.untyped_storage()._cdata)
    return found
