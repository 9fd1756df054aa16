"""What an earlier version of the format told otherwise, as it is told today.

Version 1 named what an enclosing module holds by its absolute path, today ``../bias``, and handed values out of a scope
with the last one first.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_torchgraph.canonical.paths import absolute, relative
from pytest_torchgraph.canonical.program import (
    EVERY_PARAMETER,
    Argument,
    Block,
    Item,
    Leaf,
    Operand,
    Outcome,
    Program,
    Result,
    Semantic,
    Work,
)

LAST_MADE_FIRST = 1
"""The last version in which what leaves a scope was told last made first."""
Around = tuple[str, ...]


def in_order_of_making(exports: tuple[Result, ...]) -> tuple[tuple[Result, ...], tuple[int, ...]]:
    """What leaves a scope in today's order, and for each as it was told its position in that."""
    ordered = tuple(sorted(exports, key=lambda one: (one.item, one.position)))
    return ordered, tuple(ordered.index(one) for one in exports)


def told_from_scopes(program: Program) -> Program:
    """*program* of version 1 with every path told from the nearest module call that holds it."""
    root = _block(program.root, ("",), program.root.name)
    outputs = tuple((path, _operand(operand, ("",))) for path, operand in program.outputs)
    return replace(program, root=root, outputs=outputs)


def _block(block: Block, around: Around, name: str) -> Block:
    """*block*, in whose body *around* are the module calls, under its new *name*."""
    return replace(
        block,
        name=name,
        leaves=tuple((_path(path, around), spec) for path, spec in block.leaves),
        items=tuple(_item(item, around) for item in block.items),
    )


def _item(item: Item, around: Around) -> Item:
    match item:
        case Work():
            return replace(
                item,
                arguments=tuple(_argument(one, around) for one in item.arguments),
                keywords=tuple((name, _argument(one, around)) for name, one in item.keywords),
                outcomes=tuple(_outcome(one, around) for one in item.outcomes),
                becomes=tuple((position, _path(path, around)) for position, path in item.becomes),
            )
        case Semantic():
            return replace(
                item,
                arguments=tuple(_argument(one, around) for one in item.arguments),
                keywords=tuple((name, _argument(one, around)) for name, one in item.keywords),
                items=tuple(_item(one, around) for one in item.items),
            )
        case Block():
            block = replace(item, inputs=tuple(_operand(one, around) for one in item.inputs))
            return _inner(block, around)
        case _:
            return item


def _inner(block: Block, around: Around) -> Block:
    if block.phase == EVERY_PARAMETER:
        return block
    if block.phase or not block.name:
        return _block(block, (around[0], *around), block.name)
    return _block(block, (absolute(block.name, around), *around), _path(block.name, around))


def _argument(value: Argument, around: Around) -> Argument:
    if isinstance(value, Operand):
        return _operand(value, around)
    return type(value)(_argument(one, around) for one in value) if isinstance(value, tuple) else value


def _outcome(value: Outcome, around: Around) -> Outcome:
    if isinstance(value, Operand):
        return _operand(value, around)
    return type(value)(_outcome(one, around) for one in value) if isinstance(value, tuple) else value


def _operand(operand: Operand, around: Around) -> Operand:
    if not isinstance(operand.reference, Leaf):
        return operand
    return replace(operand, reference=Leaf(_path(operand.reference.path, around)))


def _path(path: str, around: Around) -> str:
    return relative(absolute(path, around), around)
