"""Items and operands as a reader is shown them: with their scope, and values named after what made them."""

from __future__ import annotations

from pytest_torchgraph.canonical.naming import value_names, wish
from pytest_torchgraph.canonical.operands import operands_given
from pytest_torchgraph.canonical.program import (
    Argument,
    Block,
    Operand,
    RecomputedCall,
    Result,
    Saved,
    Semantic,
    Work,
)
from pytest_torchgraph.diff.change import Shown, Site, Value
from pytest_torchgraph.diff.keys import Keys
from pytest_torchgraph.diff.products import flops_at
from pytest_torchgraph.diff.tree import Body, Definition, Made, Outside, Own, Read, Tree, read_spec
from pytest_torchgraph.recorded.operation import packet_of


def site_at(keys: Keys, body: Body, at: int) -> Site:
    """The item at position *at* of *body*, with what it reads."""
    item = body.record.items[at]
    reads: tuple[Value, ...] = ()
    if isinstance(item, (Work, Semantic)):
        reads = tuple(value_of(keys.tree, body, operand) for operand in operands_given(item))
    elif isinstance(item, RecomputedCall):
        reads = tuple(value_of(keys.tree, body, operand) for operand in item.inputs)
    inner = body.inner[at].scope if isinstance(item, Block) else None
    flops = flops_at(keys.tree, body, at)
    return Site(body.scope, body.class_name, item, body.beneath, reads, body.record, body.around, inner, flops=flops)


def value_of(tree: Tree, body: Body, operand: Operand) -> Value:
    """What *operand* reads, as seen from the scope *body*."""
    read = body.read(operand)
    plain = Read(read.definition, read.readings[:-1]) if operand.reading else read
    path = read.definition.path if isinstance(read.definition, Own) else ""
    name = name_in(tree, body, operand, read)
    calls = _calls_named(tree, body, operand, read)
    again = [call.record for call in calls if isinstance(call.record, RecomputedCall)]
    around = any(not record.name for record in again)
    maker = "" if isinstance(operand.reference, Saved) else _maker(tree, calls, read.definition)
    return Value(name, read_spec(tree, read), operand.reading, read_spec(tree, plain), path, bool(again), around, maker)


def whole_value(tree: Tree, body: Body, operand: Operand) -> Value:
    """What *operand* reads, as all views on the way read the value that is made, also those outside *body*.

    As :func:`value_of` where these are several readings of which none is of the others.
    """
    read = body.read(operand)
    readings, made = tree.whole(read), tree.spec_of(read.definition)
    if len(readings) > 1 or made is None:
        return value_of(tree, body, operand)
    path = read.definition.path if isinstance(read.definition, Own) else ""
    name = definition_name(tree, body, read.definition)
    return Value(name, read_spec(tree, read), readings[0] if readings else None, made, path)


def _maker(tree: Tree, calls: list[Body], definition: Definition) -> str:
    """Full name of the operation or API call that a value is named after; empty for all others."""
    if not isinstance(definition, Made):
        return ""
    handed_out = len(calls) == 1 and _handed_out(calls, definition)
    item = calls[0].record if handed_out else tree.bodies[definition.body].record.items[definition.item]
    return item.name if isinstance(item, (Work, Semantic)) else ""


def name_in(tree: Tree, body: Body, operand: Operand, read: Read) -> str:
    """Name of a value: the module call that handed it out where it did, else the operation, input or parameter."""
    reference = operand.reference
    if isinstance(reference, Saved):
        return _saved_name(body, reference)
    if isinstance(reference, Result) and reference.item in body.inner:
        return f"%{names_of(body)[reference.item]}{_position(reference.position)}"
    return definition_name(tree, body, read.definition)


def _calls_named(tree: Tree, body: Body, operand: Operand, read: Read) -> list[Body]:
    """The module calls that the name of a value tells."""
    reference, definition = operand.reference, read.definition
    if isinstance(reference, Result) and reference.item in body.inner:
        return [body.inner[reference.item]]
    if isinstance(reference, Saved) or not isinstance(definition, Made):
        return []
    way = _way_out(tree.bodies[definition.body], body)
    return way[:1] if way and _handed_out(way, definition) else way


def _saved_name(body: Body, saved: Saved) -> str:
    """``^mul``, ``^attn>sdpa``: a forward value as a snapshot names it in a phase."""
    marks = "^" * (saved.up + 1)
    if not saved.steps:
        return f"{marks}in{saved.position}"
    names: list[str] = []
    forward = body.module.stands_for(saved.up)
    for step in saved.steps:
        names.append(names_of(forward)[step])
        forward = forward.inner.get(step, forward)
    return f"{marks}{'>'.join(names)}{_position(saved.position)}"


def definition_name(tree: Tree, body: Body, definition: Definition) -> str:
    """Name of a value seen from *body*: parameters of its own module by their relative path."""
    match definition:
        case Own(path):
            return path.removeprefix(f"{body.owner}.") if body.owner else path
        case Outside(index):
            return f"%in{index}"
        case Made(number, at, position):
            maker = tree.bodies[number]
            way = _way_out(maker, body)
            if not way:
                return f"%{names_of(maker)[at]}{_position(position)}"
            return f"%{_handed_out(way, definition) or _inner_name(way, maker, definition)}"


def _way_out(maker: Body, reader: Body) -> list[Body]:
    """The module calls around *maker* that *reader* does not run in, outermost first."""
    around = set()
    scope: Body | None = reader
    while scope is not None:
        around.add(scope.number)
        scope = scope.outer
    way = []
    scope = maker
    while scope is not None and scope.number not in around:
        way.append(scope)
        scope = scope.outer
    return way[::-1]


def _handed_out(way: list[Body], definition: Made) -> str:
    """Name of a value as the outermost call hands it out; empty where it does not."""
    first = way[0]
    assert first.outer is not None
    for position in range(len(first.record.exports)):
        if first.outer.made(Result(first.position, position)) == definition:
            return f"{names_of(first.outer)[first.position]}{_position(position)}"
    return ""


def _inner_name(way: list[Body], maker: Body, definition: Made) -> str:
    """``layers.3>attn>cat``: a value that nothing hands out, through the calls around it."""
    calls = [names_of(body.outer)[body.position] for body in way if body.outer is not None]
    return f"{'>'.join(calls)}>{names_of(maker)[definition.item]}{_position(definition.position)}"


def _position(position: int) -> str:
    return f":{position}" if position else ""


def names_of(body: Body) -> list[str]:
    """A name for each item of *body*, as a snapshot gives them: ``mul``, ``mul_1``."""
    if len(body.names) != len(body.record.items):
        body.names = value_names(map(wish, body.record.items))
    return body.names


def operation_word(name: str) -> str:
    """``clone`` for ``aten.clone.default``; a name without an overload is given as ``aten.clone``."""
    return packet_of(name).rpartition(".")[2]


def shown(tree: Tree, body: Body, argument: Argument) -> Shown:
    """An argument with its tensors as named values."""
    if isinstance(argument, Operand):
        return value_of(tree, body, argument)
    if isinstance(argument, tuple):
        return tuple(shown(tree, body, each) for each in argument)
    return argument
