"""Items and operands as a reader is shown them: with their scope, and values named after what made them."""

from __future__ import annotations

from pytest_torchgraph.diff.change import Shown, Site, Value, packet_of
from pytest_torchgraph.diff.keys import Keys
from pytest_torchgraph.diff.tree import Body, Definition, Made, Outside, Own, Read, Tree, operands_of
from pytest_torchgraph.graph.program import Argument, Given, Operand, Reading, Result, Semantic, Work
from pytest_torchgraph.graph.tensor import TensorSpec


def site_at(keys: Keys, body: Body, at: int) -> Site:
    """The item at position *at* of *body*, with what it reads."""
    item = body.record.items[at]
    reads: tuple[Value, ...] = ()
    if isinstance(item, (Work, Semantic)):
        reads = tuple(value_of(keys.tree, body, operand) for operand in operands_of(item))
    return Site(body.scope, body.class_name, item, body.beneath, reads, body.record)


def value_of(tree: Tree, body: Body, operand: Operand) -> Value:
    """What *operand* reads, as seen from the scope *body*."""
    read = tree.read(body, operand)
    geometry = operand.reading.geometry if operand.reading else None
    return Value(name_in(tree, body, operand, read), read_spec(tree, read), geometry)


def name_in(tree: Tree, body: Body, operand: Operand, read: Read) -> str:
    """Name of a value: the module call that handed it out where it did, else the operation, input or parameter."""
    if isinstance(operand.reference, Result) and operand.reference.item in body.inner:
        return f"%{short_name(body.record.items[operand.reference.item].name)}"
    return definition_name(tree, body, read.definition)


def definition_name(tree: Tree, body: Body, definition: Definition) -> str:
    """Name of a value seen from *body*: parameters of its own scope by their relative path."""
    match definition:
        case Own(path):
            scope = body.scope.partition("#")[0]
            return path.removeprefix(f"{scope}.") if scope else path
        case Outside(index):
            return f"%in{index}"
        case Made(number, at, _):
            maker = tree.bodies[number]
            item = maker.record.items[at]
            if isinstance(item, Given):
                return f"%{item.name}" if item.name else "constant"
            return f"%{_handed_out(maker, body) or short_name(item.name)}"


def _handed_out(maker: Body, reader: Body) -> str:
    """Name of the outermost module call around *maker* that *reader* does not run in; empty when it is in none."""
    around = set()
    scope: Body | None = reader
    while scope is not None:
        around.add(scope.number)
        scope = scope.outer
    name = ""
    scope = maker
    while scope is not None and scope.number not in around:
        name = short_name(scope.record.name)
        scope = scope.outer
    return name


def short_name(name: str) -> str:
    """``clone`` for ``aten.clone.default``, ``attn`` for ``/block.attn``; a module's index keeps its list's name."""
    if name.startswith(("aten.", "prims.")):
        return packet_of(name).rpartition(".")[2]
    head, _, last = name.lstrip("/").rpartition(".")
    return f"{head.rpartition('.')[2]}.{last}" if last.isdigit() and head else last


def read_spec(tree: Tree, read: Read) -> TensorSpec | None:
    """Spec of an operand as the operation sees it."""
    spec = tree.spec_of(read.definition)
    for reading in read.readings:
        spec = _through(spec, reading)
    return spec


def _through(spec: TensorSpec | None, reading: Reading) -> TensorSpec | None:
    if spec is None:
        return None
    shape = reading.geometry.shape if reading.geometry else spec.shape
    geometry = reading.geometry or spec.geometry
    return TensorSpec(reading.dtype or spec.dtype, shape, geometry, spec.device, spec.layout, reading.conj, reading.neg)


def shown(tree: Tree, body: Body, argument: Argument) -> Shown:
    """An argument with its tensors as named values."""
    if isinstance(argument, Operand):
        return value_of(tree, body, argument)
    if isinstance(argument, tuple):
        return tuple(shown(tree, body, each) for each in argument)
    return argument
