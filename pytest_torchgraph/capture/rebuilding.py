"""From records back to what PyTorch takes: operations by name, tensors by storage and geometry, constants by word."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import reduce
from typing import Any, cast

import torch
from torch import Tensor

from pytest_torchgraph.capture.witness import GeneratorState
from pytest_torchgraph.recorded.operation import Argument, Opaque, Operation, Packed, Word
from pytest_torchgraph.recorded.tensor import TensorRef, TensorSpec


def tensor_of(storage: torch.UntypedStorage, spec: TensorSpec) -> Tensor:
    """*storage*, read as *spec* says."""
    assert spec.geometry is not None
    geometry = spec.geometry
    empty = torch.empty(0, dtype=getattr(torch, spec.dtype), device=storage.device)
    found = empty.set_(storage, geometry.offset, geometry.shape, geometry.stride)
    found = found.conj() if spec.conj else found
    return torch._neg_view(found) if spec.neg else found


def target_of(operation: Operation) -> Any:
    """The operation by its name."""
    return reduce(getattr, operation.name.split("."), cast("Any", torch.ops))


def value_of(argument: Argument, readings: Iterator[Tensor], objects: Iterator[Any]) -> Any:
    """One argument as PyTorch takes it."""
    if isinstance(argument, TensorRef):
        return next(readings)
    if isinstance(argument, tuple):
        return [value_of(part, readings, objects) for part in argument]
    if isinstance(argument, Word):
        return operator.attrgetter(argument.text.removeprefix("torch."))(torch)
    if isinstance(argument, (Opaque, Packed)):
        found = next(objects)
        return generator_of(found) if isinstance(found, GeneratorState) else found
    return argument


def generator_of(kept: GeneratorState) -> torch.Generator:
    """A generator in the state that was kept."""
    generator = torch.Generator(kept.device)
    generator.set_state(kept.state)
    return generator
