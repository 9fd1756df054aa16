"""Runs a canonical graph: whoever forgets an edge computes something else."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, cast

import torch
from torch import Tensor

from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    Block,
    Given,
    Inner,
    Input,
    Item,
    Leaf,
    Operand,
    Program,
    Reading,
    Saved,
    Work,
)
from pytest_torchgraph.recorded.operation import Opaque, Packed, Word


class NotReplayable(Exception):
    """The graph holds something whose value no graph knows."""


@dataclass
class Body:
    """One body while it runs: its path and those around it, where it stands, what it was given, what its items made."""

    paths: tuple[str, ...]
    steps: tuple[int, ...]
    given: list[Tensor]
    made: list[list[Any]] = field(default_factory=list)


class Replay:
    """One run of a program on the tensors of a model, all by name."""

    def __init__(self, leaves: Mapping[str, Tensor], inputs: Mapping[str, Tensor]) -> None:
        self.leaves = leaves
        self.inputs = inputs
        self.made: dict[tuple[int, ...], list[Any]] = {}

    def run(self, program: Program) -> dict[str, Tensor]:
        """The outputs by path."""
        root = Body(("",), (), [])
        self.items(program.root.items, root)
        return {path: self.operand(operand, root) for path, operand in program.outputs}

    def items(self, items: tuple[Item, ...], body: Body) -> None:
        """Run every item of one body."""
        for place, item in enumerate(items):
            steps = (*body.steps, place)
            body.made.append(self.item(item, body, steps))
            self.made[steps] = body.made[-1]

    def item(self, item: Item, body: Body, steps: tuple[int, ...]) -> list[Any]:
        """The results of one item."""
        if isinstance(item, Given):
            if item.kind != "input":
                raise NotReplayable("a constant")
            return [self.inputs[item.name]]
        if isinstance(item, Work):
            return self.work(item, body)
        if isinstance(item, Block):
            taken: tuple[Any, ...] = item.inputs
            inner = Body((absolute(item.name, body.paths), *body.paths), steps, [])
        else:
            taken = (*item.arguments, *(value for _, value in item.keywords))
            inner = Body(body.paths, steps, [])
        inner.given = [self.operand(value, body) for value in taken if isinstance(value, Operand)]
        self.items(item.items, inner)
        return [inner.made[export.item][export.position] for export in item.exports]

    def work(self, item: Work, body: Body) -> list[Any]:
        """Run one operation."""
        if item.name.startswith(("higher_order.", "prims.")):
            raise NotReplayable(item.name)
        target: Any = reduce(getattr, item.name.split("."), cast("Any", torch.ops))
        arguments = [self.value(value, body) for value in item.arguments]
        keywords = {name: self.value(value, body) for name, value in item.keywords}
        return list(flat(target(*arguments, **keywords)))

    def value(self, value: Any, body: Body) -> Any:
        """One argument as PyTorch takes it."""
        if isinstance(value, Operand):
            return self.operand(value, body)
        if isinstance(value, tuple):
            return [self.value(part, body) for part in value]
        if isinstance(value, Word):
            return operator.attrgetter(value.text.removeprefix("torch."))(torch)
        if isinstance(value, Packed):
            raise NotReplayable("a packed weight")
        if isinstance(value, Opaque):
            raise NotReplayable(value.type_name)
        return value

    def operand(self, operand: Operand, body: Body) -> Tensor:
        """One tensor, read as the graph says."""
        reference = operand.reference
        if isinstance(reference, Input):
            base = body.given[reference.index]
        elif isinstance(reference, Leaf):
            base = self.leaves[absolute(reference.path, body.paths)]
        elif isinstance(reference, Inner):
            base = self.made[reference.steps][reference.position]
        elif isinstance(reference, Saved):
            raise NotReplayable("a phase beside the forward pass")
        else:
            base = body.made[reference.item][reference.position]
        return base if operand.reading is None else read(base, operand.reading)


def read(base: Tensor, reading: Reading) -> Tensor:
    """*base* read otherwise, sharing its memory."""
    if base.layout != torch.strided:
        raise NotReplayable(str(base.layout))
    dtype = base.dtype if reading.dtype is None else getattr(torch, reading.dtype)
    shape, stride, offset = tuple(base.shape), base.stride(), 0
    if reading.geometry is not None:
        shape, stride, offset = reading.geometry.shape, reading.geometry.stride, reading.geometry.offset
    start = base.storage_offset() * base.dtype.itemsize // dtype.itemsize + offset
    found = torch.empty(0, dtype=dtype).set_(base.untyped_storage(), start, shape, stride)
    found = found.conj() if base.is_conj() != reading.conj else found
    return torch._neg_view(found) if base.is_neg() != reading.neg else found


def flat(value: Any) -> Iterator[Any]:
    """Results in order, nested ones included."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from flat(part)
    else:
        yield value
