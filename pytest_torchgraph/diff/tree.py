"""A canonical graph laid out for comparison: numbered bodies, and for each operand the value that it really is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from pytest_torchgraph.canonical.cursor import Cursor, module_path
from pytest_torchgraph.canonical.naming import turn_of
from pytest_torchgraph.canonical.operands import flat, operands_given
from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Given,
    ModuleCall,
    Operand,
    ParameterLoop,
    PhaseBlock,
    Program,
    Reading,
    RecomputedCall,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec
from pytest_torchgraph.words.closed import assert_never

Place: TypeAlias = "tuple[int, int]"
"""Number of a body, position of an item in it."""


class Made(NamedTuple):
    """A value made by the item at *body*, *item*: its result *position*."""

    body: int
    item: int
    position: int


class Own(NamedTuple):
    """A parameter, buffer or attribute, by its full path."""

    path: str


class Outside(NamedTuple):
    """A value that the root takes from outside without naming it."""

    number: int


Definition: TypeAlias = Made | Own | Outside


class Read(NamedTuple):
    """One operand: the value it is, and how it is read on the way from there (outermost last)."""

    definition: Definition
    readings: tuple[Reading, ...] = ()


class Body(Cursor[Read]):
    """The items of one module call or API call, with its place in the tree.

    ``scope`` says where it stands, ``owner`` is the path of its module; ``beneath`` names the API call whose operations
    it holds. ``around`` are the paths of the modules around its items, innermost first, ``scopes`` the scopes.
    """

    def __init__(self, number: int, record: AnyBlock | Semantic, position: int, outer: Body | None) -> None:
        super().__init__(outer)
        self.number = number
        self.record = record
        self.position = position
        self.beneath = record.name if isinstance(record, Semantic) else None
        self.names: list[str] = []
        self._outer_reads: dict[int, Read] = {}
        if isinstance(record, Semantic):
            assert outer is not None
            self._is_called_in(outer, record)
        else:
            self._is_block(outer, record)

    def _is_block(self, outer: Body | None, record: AnyBlock) -> None:
        self.class_name, self.inputs = record.class_name, record.inputs
        self.scope = scope_path(outer, record) if outer else ScopePath()
        self.owner = owner_of(outer, record) if outer else ""
        self.around: tuple[str, ...] = (self.owner, *(outer.around if outer else ()))
        self.scopes: tuple[ScopePath, ...] = (self.scope, *(outer.scopes if outer else ()))
        if outer is not None:
            outer.enter(type(record), record.name, record.call, self)

    def _is_called_in(self, outer: Body, record: Semantic) -> None:
        self.class_name, self.inputs = outer.class_name, tuple(operands_given(record))
        self.scope, self.owner, self.around, self.scopes = outer.scope, outer.owner, outer.around, outer.scopes
        self.forward = None

    @property
    def module(self) -> Body:
        """The innermost module call that this body is, or belongs to."""
        return self if self.beneath is None or self.outer is None else self.outer.module

    @property
    def times(self) -> int:
        """How often its items are done where it is: once, or for each parameter of a loop."""
        return times_of(self.record) * (1 if self.outer is None else self.outer.times)

    def read(self, operand: Operand) -> Read:
        """What *operand*, written in this body, really is."""
        reference, reading = operand.reference, operand.reading
        found = self.result(reference) if type(reference) is Result else self.resolve(reference)
        return found if reading is None else Read(found.definition, (*found.readings, reading))

    def input(self, index: int) -> Read:
        """What the body takes as number *index*, as the value that it is."""
        known = self._outer_reads.get(index)
        if known is None:
            is_told = self.outer is not None and index < len(self.inputs)
            known = self.outer.read(self.inputs[index]) if is_told and self.outer else Read(Outside(index))
            self._outer_reads[index] = known
        return known

    def leaf(self, path: str) -> Read:
        """The leaf *path* by its full path."""
        return Read(Own(self.leaf_path(path)))

    def leaf_path(self, path: str) -> str:
        """Full path of a leaf named in this body."""
        return absolute(path, self.around)

    def result(self, result: Result) -> Read:
        """What the item made or handed out."""
        return Read(self.made(result) if self.inner else Made(self.number, result.item, result.position))

    def made(self, result: Result) -> Made:
        """The operation or given value behind *result*, followed into the scopes that hand it out."""
        body: Body = self
        inner = body.inner.get(result.item) if body.inner else None
        while inner is not None and result.position < len(inner.record.exports):
            body, result = inner, inner.record.exports[result.position]
            inner = body.inner.get(result.item)
        return Made(body.number, result.item, result.position)


class Tree:
    """The bodies of one program, the root first, each before those inside it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bodies: list[Body] = []
        self._leaf_specs: dict[str, TensorSpec] | None = None
        self._wholes: dict[Read, tuple[Reading, ...]] = {}
        self._add(program.root, None, 0)

    def _add(self, record: AnyBlock | Semantic, outer: Body | None, position: int) -> Body:
        body = Body(len(self.bodies), record, position, outer)
        self.bodies.append(body)
        for number, item in enumerate(record.items):
            if isinstance(item, (Block, Semantic)):
                body.hold(number, self._add(item, body, number), item)
        return body

    def whole(self, read: Read) -> tuple[Reading, ...]:
        """The readings of *read* as one, relative to the value that it is; none where that is read as it was made."""
        if not read.readings:
            return ()
        known = self._wholes.get(read)
        if known is None:
            known = self._wholes[read] = composed(read.readings, self.spec_of(read.definition))
        return known

    def spec_of(self, definition: Definition) -> TensorSpec | None:
        """The spec of a value as it was made; ``None`` where the graph does not tell."""
        match definition:
            case Own(path):
                return self.leaves().get(path)
            case Outside():
                return None
            case Made(body, item, position):
                return self._made_spec(self.bodies[body], item, position)

    def _made_spec(self, body: Body, item: int, position: int) -> TensorSpec | None:
        record = body.record.items[item]
        if isinstance(record, Given):
            return record.spec
        if not isinstance(record, Work):
            return None
        found = list(flat(record.outcomes))
        outcome = found[position] if position < len(found) else None
        if isinstance(outcome, Operand):
            return self.spec_of(body.read(outcome).definition)
        return outcome if isinstance(outcome, TensorSpec) else None

    def leaves(self) -> dict[str, TensorSpec]:
        """Specs of the parameters, buffers and attributes that are read, by full path."""
        if self._leaf_specs is None:
            self._leaf_specs = {
                body.leaf_path(path): spec
                for body in self.bodies
                if isinstance(body.record, Block)
                for path, spec in body.record.leaves
            }
        return self._leaf_specs


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


def composed(readings: tuple[Reading, ...], made: TensorSpec | None) -> tuple[Reading, ...]:
    """One reading for several, each of the one before it; what no kernel can see is left out.

    Several remain where bytes are read as another type on the way: their offsets count different elements.
    """
    if any(reading.dtype for reading in readings):
        return tuple(_normalised(reading) for reading in readings)
    geometry: Geometry | None = None
    for reading in readings:
        if reading.geometry is not None:
            start = geometry.offset if geometry else 0
            geometry = Geometry(reading.geometry.shape, reading.geometry.stride, reading.geometry.offset + start)
    geometry = geometry.normalised() if geometry else None
    if made is not None and made.geometry is not None and geometry == made.geometry.normalised():
        geometry = None
    conj, neg = (sum(getattr(reading, bit) for reading in readings) % 2 == 1 for bit in ("conj", "neg"))
    return (Reading(geometry, None, conj, neg),) if geometry or conj or neg else ()


def _normalised(reading: Reading) -> Reading:
    return Reading(reading.geometry and reading.geometry.normalised(), reading.dtype, reading.conj, reading.neg)


def scope_path(outer: Body, block: AnyBlock) -> ScopePath:
    """Where *block* is inside *outer*."""
    turn = turn_of(block)
    match block:
        case ModuleCall() | RecomputedCall():
            return outer.scope.called(block.name, turn, outer.scopes)
        case PhaseBlock():
            return outer.scope.begins(block.name, turn)
        case ParameterLoop():
            return outer.scope.begins(block.name, turn, is_loop=True)
        case _:
            assert_never(block)


def owner_of(outer: Body, block: AnyBlock) -> str:
    """Path of the module behind *block*: neither phase nor call count matter to its parameters."""
    return "*" if isinstance(block, ParameterLoop) else module_path(block, outer.around)


def times_of(record: AnyBlock | Semantic) -> int:
    """How often the items of *record* are done in it: once, or once for each parameter."""
    return len(record.parameters) if isinstance(record, ParameterLoop) and record.name == "each" else 1


def call_names(block: AnyBlock | Semantic) -> Iterator[str]:
    """Full names of the operations inside, those beneath API calls included, and of the API calls themselves.

    What a loop does for each parameter is told for each.
    """
    for item in block.items * times_of(block):
        if isinstance(item, (Work, Semantic)):
            yield item.name
        if isinstance(item, (Block, Semantic)):
            yield from call_names(item)


def operation_names(block: AnyBlock | Semantic) -> Iterator[str]:
    """Full names of the operations inside, backend operations beneath API calls included; of loops each time."""
    for item in block.items * times_of(block):
        if isinstance(item, Work):
            yield item.name
        elif isinstance(item, (Block, Semantic)):
            yield from operation_names(item)
