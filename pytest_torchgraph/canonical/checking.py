"""Whether a program holds together: every reference stands for something, and nothing is declared that is not there.

Builders and readers are to make no other. It is the tests that ask, after each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.cursor import Cursor, Unresolved
from pytest_torchgraph.canonical.naming import block_text
from pytest_torchgraph.canonical.operands import flat, operands_given, operands_in
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Given,
    Inner,
    Item,
    Operand,
    ParameterLoop,
    Program,
    Result,
    Saved,
    Semantic,
    Work,
)
from pytest_torchgraph.recorded.tensor import TensorSpec


class Malformed(ValueError):
    """A program in which something stands for nothing."""


def check(program: Program) -> Program:
    """*program*, if it holds together; raises :class:`Malformed`, which says where it does not."""
    root = _Body((), dict(program.root.leaves), "the root")
    _check_body(program.root, root)
    for path, operand in program.outputs:
        _check_operand(operand, root, f"output {path!r}")
    root.let_go()
    return program


class _Body(Cursor[None]):
    """A body as far as it was checked; what its references stand for is asked, and not told."""

    def __init__(self, inputs: tuple[Operand, ...], leaves: dict[str, TensorSpec], place: str) -> None:
        super().__init__()
        self.inputs = inputs
        self.leaves = leaves
        self.place = place
        self.made: list[tuple[object, ...]] = []

    def input(self, index: int) -> None:
        if index >= len(self.inputs):
            raise Unresolved(f"the body takes {len(self.inputs)} values")

    def leaf(self, path: str) -> None:
        if path not in self.leaves:
            raise Unresolved(f"no leaf {path!r} is declared")

    def result(self, result: Result) -> None:
        if not 0 <= result.item < len(self.made):
            raise Unresolved(f"no item {result.item} stands above")
        made = self.made[result.item]
        if not 0 <= result.position < len(made):
            raise Unresolved(f"item {result.item} gives {len(made)} values")
        if not isinstance(made[result.position], (TensorSpec, Operand, Result)):
            raise Unresolved(f"value {result.position} of item {result.item} is no tensor")


def _check_body(record: AnyBlock | Semantic, body: _Body) -> None:
    for at, item in enumerate(record.items):
        _check_item(item, body, f"{body.place}, item {at}")
        body.made.append(tuple(_values(item)))
    for export in record.exports:
        _require(body, export, f"{body.place}, export")
    calls = [f"{type(item).__name__} {block_text(item)}" for item in record.items if isinstance(item, Block)]
    _check_alike(calls, body.place)
    if isinstance(record, Block):
        _check_alike([path for path, _ in record.leaves], f"{body.place}, leaves")


def _check_item(item: Item, body: _Body, place: str) -> None:
    match item:
        case Work():
            for operand in [*operands_given(item), *operands_in(item.outcomes)]:
                _check_operand(operand, body, place, is_output=False)
            _check_names(item, place)
        case Semantic():
            given = tuple(operands_given(item))
            inner = _Body(given, body.leaves, f"{place}, {item.name}")
            inner.outer, inner.forward = body, None
            _check_inside(item, inner, body, given, place)
        case Block():
            inner = _Body(item.inputs, dict(item.leaves), f"{place}, {block_text(item)}")
            _check_block(item, body, place)
            _check_inside(item, body.enter(type(item), item.name, item.call, inner), body, item.inputs, place)
        case Given():
            if item.kind not in ("input", "constant"):
                raise Malformed(f"{place}: no value is given as {item.kind!r}")


def _check_inside(item: AnyBlock | Semantic, inner: _Body, body: _Body, taken: Iterable[Operand], place: str) -> None:
    for operand in taken:
        _check_operand(operand, body, place, is_output=False)
    body.hold(len(body.made), inner, item)
    _check_body(item, inner)


def _check_block(block: AnyBlock, body: _Body, place: str) -> None:
    if block.call < 1:
        raise Malformed(f"{place}: calls are counted from 1")
    if isinstance(block, ParameterLoop):
        if body.forward is body:
            raise Malformed(f"{place}: a loop over parameters stands in no phase")
        if not block.parameters:
            raise Malformed(f"{place}: a loop over no parameters")
        _check_alike(block.parameters, f"{place}, parameters")


def _check_names(work: Work, place: str) -> None:
    outcomes = tuple(flat(work.outcomes))
    for position, path in work.becomes:
        if position >= len(outcomes) or not isinstance(outcomes[position], TensorSpec):
            raise Malformed(f"{place}: no value that it made becomes {path!r}")


def _check_operand(operand: Operand, body: _Body, place: str, *, is_output: bool = True) -> None:
    if isinstance(operand.reference, Inner) and not is_output:
        raise Malformed(f"{place}: only the caller of the model reads what no scope hands out")
    if isinstance(operand.reference, Saved) and body.forward is body:
        raise Malformed(f"{place}: a value of the forward pass is named as in a phase")
    try:
        body.resolve(operand.reference)
    except Unresolved as error:
        raise Malformed(f"{place}: {operand.reference} stands for nothing: {error}") from None


def _require(body: _Body, result: Result, place: str) -> None:
    _check_operand(Operand(result), body, place)


def _check_alike(names: Iterable[str], place: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Malformed(f"{place}: {twice[0]!r} is there twice")


def _values(item: Item) -> Iterator[object]:
    """What *item* gives to those below it, one for each position."""
    match item:
        case Work():
            yield from flat(item.outcomes)
        case Given():
            yield item.spec
        case Semantic() | Block():
            yield from item.exports
