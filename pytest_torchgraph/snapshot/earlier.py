"""What an earlier version of the format told otherwise, as it is told today.

Version 1 named what an enclosing module holds by its absolute path, today ``../bias``, and handed values out of a scope
with the last one first.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeVar

from pytest_torchgraph.canonical.cursor import module_path
from pytest_torchgraph.canonical.operands import map_operands
from pytest_torchgraph.canonical.paths import absolute, relative
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    ParameterLoop,
    PhaseBlock,
    Program,
    RecomputedCall,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.words.closed import assert_never

LAST_MADE_FIRST = 1
"""The last version in which what leaves a scope was told last made first."""
Around = tuple[str, ...]
Told = TypeVar("Told", ModuleCall, RecomputedCall, PhaseBlock)


def in_order_of_making(exports: tuple[Result, ...]) -> tuple[tuple[Result, ...], tuple[int, ...]]:
    """What leaves a scope in today's order, and for each as it was told its position in that."""
    ordered = tuple(sorted(exports, key=lambda one: (one.item, one.position)))
    return ordered, tuple(ordered.index(one) for one in exports)


def told_from_scopes(program: Program) -> Program:
    """*program* of version 1 with every path told from the nearest module call that holds it."""
    root = _block(program.root, ("",))
    outputs = tuple((path, _operand(operand, ("",))) for path, operand in program.outputs)
    return replace(program, root=root, outputs=outputs)


def _block(block: Told, around: Around) -> Told:
    """*block*, in whose body *around* are the module calls."""
    return replace(
        block,
        leaves=tuple((_path(path, around), spec) for path, spec in block.leaves),
        items=tuple(_item(item, around) for item in block.items),
    )


def _item(item: Item, around: Around) -> Item:
    told = partial(_operand, around=around)
    match item:
        case Work():
            becomes = tuple((position, _path(path, around)) for position, path in item.becomes)
            return replace(map_operands(item, told), becomes=becomes)
        case Semantic():
            return replace(map_operands(item, told), items=tuple(_item(one, around) for one in item.items))
        case Block():
            block = replace(item, inputs=tuple(map(told, item.inputs)))
            return _inner(block, around)
        case _:
            return item


def _inner(block: AnyBlock, around: Around) -> AnyBlock:
    within = (module_path(block, around), *around)
    match block:
        case ModuleCall():
            return replace(_block(block, within), name=_path(block.name, around))
        case RecomputedCall():
            return replace(_block(block, within), name=_path(block.name, around) if block.name else "")
        case PhaseBlock():
            return _block(block, within)
        case ParameterLoop():
            return block
        case _:
            assert_never(block)


def _operand(operand: Operand, around: Around) -> Operand:
    if not isinstance(operand.reference, Leaf):
        return operand
    return replace(operand, reference=Leaf(_path(operand.reference.path, around)))


def _path(path: str, around: Around) -> str:
    return relative(absolute(path, around), around)
